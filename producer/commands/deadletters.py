"""The commands `terrafusion dlq list|show|replay|purge`: what is on the dead letters topic, and what to do about it."""

import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from producer.commands.gateway import AsJson, write_json
from producer.commands.letters import report, show_letter, show_span, show_tables, told
from producer.commands.running import run
from producer.deadletters.errors import DeadLetterError
from schemas.settings import CommonSettings, KafkaSettings
from schemas.topics import Topics, topics

if TYPE_CHECKING:
    from producer.deadletters.fixing import Fix
    from producer.deadletters.letter import DeadLetter, Position
    from producer.deadletters.reading import Reader
    from producer.deadletters.replaying import Replay

_USAGE: Final = 2

dlq = typer.Typer(help="Dead letters: records that were no requests.", no_args_is_help=True)

Where = Annotated[str, typer.Argument(help="The letter's position, partition:offset, as `dlq list` shows it.")]
Which = Annotated[list[str] | None, typer.Argument(help="Positions, partition:offset; or use --all or --reason.")]
Limit = Annotated[int, typer.Option("--limit", min=0, max=10_000, help="Show at most so many letters, newest first.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Only letters with this reason.")]
Message = Annotated[str | None, typer.Option("--message", help="Only letters whose message contains this.")]
All = Annotated[bool, typer.Option("--all", help="Every letter.")]
FixText = Annotated[str | None, typer.Option("--fix", help="A JSON merge patch (RFC 7396) to apply to each value.")]
FixFile = Annotated[Path | None, typer.Option("--fix-file", help="The same, from a file.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Raw = Annotated[bool, typer.Option("--raw", help="Write the original bytes of the value, and nothing else.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
UpTo = Annotated[
    list[str] | None, typer.Argument(help="Positions: each partition is emptied up to and including this one.")
]


@dlq.command("list")
def list_letters(*, limit: Limit = 20, reason: Reason = None, as_json: AsJson = False) -> None:
    """Show what is there: groups of letters by reason and message, and the newest letters."""
    run(_list(limit, reason, as_json=as_json), DeadLetterError)


@dlq.command("show")
def show(position: Where, *, raw: Raw = False, as_json: AsJson = False) -> None:
    """Show one letter: why it is one, where it came from, its original key, bytes and headers."""
    run(_show(_position(position), raw=raw, as_json=as_json), DeadLetterError)


@dlq.command("replay")
def replay(  # noqa: PLR0913 - a command's options
    positions: Which = None,
    *,
    fix: FixText = None,
    fix_file: FixFile = None,
    reason: Reason = None,
    message: Message = None,
    every: All = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Publish letters again, each at most once however often this is done; exits with 3 where some were skipped."""
    wanted = [_position(each) for each in positions or ()]
    selective = reason is not None or message is not None
    if bool(wanted) + every + selective != 1:
        raise typer.BadParameter("name positions, or --all, or --reason and --message")
    run(
        _replay(_Selection(wanted, reason, message), _fix(fix, fix_file), dry_run=dry_run, as_json=as_json),
        DeadLetterError,
    )


@dlq.command("purge")
def purge(
    up_to: UpTo = None, *, every: All = False, yes: Yes = False, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Remove letters for good: whole partitions up to a position, or everything with --all."""
    wanted = [_position(each) for each in up_to or ()]
    if bool(wanted) == every:
        raise typer.BadParameter("name positions, or --all")
    run(_purge(wanted, yes=yes, dry_run=dry_run, as_json=as_json), DeadLetterError)


class _Cluster:
    """Where the dead letters are."""

    def __init__(self) -> None:
        common = CommonSettings()
        self.table: Topics = topics(common.topic_prefix)
        self.options: Mapping[str, Any] = KafkaSettings().client_options(common.data_dir)


class _Selection:
    """The letters that a replay is about."""

    def __init__(self, positions: "list[Position]", reason: str | None, message: str | None) -> None:
        self.positions = positions
        self._reason = reason
        self._message = message

    async def letters(self, reader: "Reader", done: Callable[[int, int], None]) -> "AsyncIterator[DeadLetter]":
        from producer.deadletters.reading import letters, letters_at  # noqa: PLC0415 - start-up time

        if self.positions:
            for letter in await letters_at(reader, self.positions):
                yield letter
            return
        async for letter in letters(reader, progress=done):
            if self._reason in {None, letter.reason} and (self._message or "") in letter.message:
                yield letter


async def _list(limit: int, reason: str | None, *, as_json: bool) -> int:
    from producer.deadletters.grouping import Summary  # noqa: PLC0415 - start-up time
    from producer.deadletters.reading import letters, marks, reading  # noqa: PLC0415 - start-up time
    from producer.deadletters.showing import brief  # noqa: PLC0415 - start-up time
    from producer.deadletters.tail import newest  # noqa: PLC0415 - start-up time

    cluster = _Cluster()
    known = await marks(cluster.options, cluster.table.replays.name)
    summary = Summary()
    async with reading(cluster.options, cluster.table.dead_letters.name) as reader:
        with told("reading dead letters", shown=not as_json) as done:
            async for letter in letters(reader, progress=done):
                if reason in {None, letter.reason}:
                    summary.add(letter, known)
        page, _ = await newest(reader, limit, reason=reason) if limit else ([], None)
    shown = [brief(letter, known) for letter in page]
    if as_json:
        said = {"total": summary.total, "replayed": summary.replayed, "groups": summary.groups(), "letters": shown}
        write_json(said)
    else:
        show_tables(summary.groups(), shown, summary.total)
    return 0


async def _show(position: "Position", *, raw: bool, as_json: bool) -> int:
    from producer.deadletters.reading import letters_at, marks, reading  # noqa: PLC0415 - start-up time
    from producer.deadletters.showing import whole  # noqa: PLC0415 - start-up time

    cluster = _Cluster()
    known = await marks(cluster.options, cluster.table.replays.name)
    async with reading(cluster.options, cluster.table.dead_letters.name) as reader:
        (letter,) = await letters_at(reader, [position])
    if raw:
        sys.stdout.buffer.write(letter.value or b"")
        sys.stdout.flush()
    elif as_json:
        write_json(whole(letter, known))
    else:
        show_letter(letter, known)
    return 0


async def _replay(selection: _Selection, fix: "Fix | None", *, dry_run: bool, as_json: bool) -> int:
    from producer.deadletters.reading import reading  # noqa: PLC0415 - start-up time
    from producer.deadletters.replaying import replaying  # noqa: PLC0415 - start-up time

    cluster = _Cluster()
    if fix is not None and fix.get("job_id") is not None and len(selection.positions) != 1:
        raise typer.BadParameter("--fix names a job_id: it would make one job of several letters")
    if dry_run:
        return await _rehearse(cluster, selection, fix, as_json=as_json)
    async with (
        replaying(cluster.options, cluster.table) as replayer,
        reading(cluster.options, cluster.table.dead_letters.name) as reader,
    ):
        with told("replaying", shown=not as_json) as done:
            outcomes = await replayer.replay(selection.letters(reader, done), fix, _now_ms)
    return report(_in_order(outcomes), as_json=as_json)


async def _rehearse(cluster: _Cluster, selection: _Selection, fix: "Fix | None", *, as_json: bool) -> int:
    from producer.deadletters.reading import marks, reading  # noqa: PLC0415 - start-up time
    from producer.deadletters.replaying import judged  # noqa: PLC0415 - start-up time

    known = await marks(cluster.options, cluster.table.replays.name)
    async with reading(cluster.options, cluster.table.dead_letters.name) as reader:
        with told("reading dead letters", shown=not as_json) as done:
            outcomes = [judged(letter, fix, known)[0] async for letter in selection.letters(reader, done)]
    return report(_in_order(outcomes), as_json=as_json, rehearsed=True)


def _in_order(outcomes: "Iterable[Replay]") -> "list[Replay]":
    return sorted(outcomes, key=lambda each: _position(each.position))


async def _purge(wanted: "list[Position]", *, yes: bool, dry_run: bool, as_json: bool) -> int:
    from producer.deadletters.errors import NoSuchLetter  # noqa: PLC0415 - start-up time
    from producer.deadletters.purging import purge  # noqa: PLC0415 - start-up time
    from producer.deadletters.reading import reading  # noqa: PLC0415 - start-up time

    cluster = _Cluster()
    async with reading(cluster.options, cluster.table.dead_letters.name) as reader:
        extents = reader.extents
    before = {at: extent.end for at, extent in extents.items()} if not wanted else _up_to(wanted)
    if not before.keys() <= extents.keys():
        raise NoSuchLetter("The topic has no such partition.")
    spans = {at: (extents[at].first, min(end, extents[at].end)) for at, end in before.items()}
    spans = {at: (first, end) for at, (first, end) in spans.items() if first < end}
    if not dry_run and spans and not yes and not _confirmed(spans):
        sys.stderr.write("Nothing was removed. Say --yes to remove it.\n")
        return _USAGE
    done = {} if dry_run else await purge(cluster.options, cluster.table, {at: end for at, (_, end) in spans.items()})
    said = [{"partition": at, "from": first, "before": end} for at, (first, end) in sorted(spans.items())]
    if as_json:
        write_json({"purged": not dry_run, "partitions": said, "begin": {str(at): low for at, low in done.items()}})
    else:
        typer.echo("\n".join(show_span(each, dry_run=dry_run) for each in said) or "There is nothing to remove.")
    return 0


def _up_to(wanted: "Iterable[Position]") -> dict[int, int]:
    before: dict[int, int] = {}
    for position in wanted:
        before[position.partition] = max(before.get(position.partition, 0), position.offset + 1)
    return before


def _confirmed(spans: Mapping[int, tuple[int, int]]) -> bool:
    if not sys.stdin.isatty():
        return False
    count = sum(end - first for first, end in spans.values())
    return typer.confirm(f"Remove up to {count} dead letters in {len(spans)} partitions for good?", err=True)


def _position(text: str) -> "Position":
    from producer.deadletters.letter import Position  # noqa: PLC0415 - start-up time

    try:
        return Position.read(text)
    except ValueError as wrong:
        raise typer.BadParameter(f"{text}: {wrong}") from None


def _fix(text: str | None, file: Path | None) -> "Fix | None":
    from producer.deadletters.errors import BadFix  # noqa: PLC0415 - start-up time
    from producer.deadletters.fixing import read_fix  # noqa: PLC0415 - start-up time

    if text is None and file is None:
        return None
    try:
        return read_fix(text if text is not None else (file or Path()).read_bytes())
    except (BadFix, OSError) as wrong:
        raise typer.BadParameter(str(wrong)) from None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
