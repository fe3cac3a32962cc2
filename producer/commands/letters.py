"""How dead letters look on a terminal: their text is strangers' text, and a terminal obeys what it is sent."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import typer

from producer.commands.gateway import progress, write_json
from schemas.printable import visible

if TYPE_CHECKING:
    from rich.text import Text

    from producer.deadletters.letter import DeadLetter
    from producer.deadletters.reading import Mark
    from producer.deadletters.replaying import Replay

SKIPPED: Final = 3
"""Exit code: some letters were not replayed, and why is said."""


def show_span(said: Mapping[str, int], *, dry_run: bool) -> str:
    """Return in words what becomes of a partition."""
    what = "would be removed" if dry_run else "removed"
    return f"partition {said['partition']}: offsets {said['from']} to {said['before'] - 1} {what}"


def report(outcomes: "list[Replay]", *, as_json: bool, rehearsed: bool = False) -> int:
    """Write what became of each letter, and return the exit code."""
    counts = {name: sum(each.outcome == name for each in outcomes) for name in ("replayed", "already", "skipped")}
    if as_json:
        shown = [
            {"position": each.position, "outcome": each.outcome, "job_id": each.job_id, "detail": each.detail}
            for each in outcomes
        ]
        write_json({"dry_run": rehearsed, **counts, "letters": shown})
    else:
        for each in outcomes:
            typer.echo(f"{each.position}  {each.outcome}  {each.job_id or ''}  {each.detail}".rstrip())
        would = "would be " if rehearsed else ""
        typer.echo(
            f"{counts['replayed']} {would}replayed, {counts['already']} had been before, {counts['skipped']} skipped."
        )
    return SKIPPED if counts["skipped"] else 0


def show_tables(groups: list[dict[str, Any]], shown: list[dict[str, Any]], total: int) -> None:
    """Write groups and letters as tables."""
    from rich.console import Console  # noqa: PLC0415 - start-up time
    from rich.table import Column, Table  # noqa: PLC0415 - start-up time

    if not total:
        typer.echo("There are no dead letters.")
        return
    by_group = Table("count", "replayed", "reason", "message", "first", "last", "example")
    for each in groups:
        row = (each["reason"], each["message"], each["first_at"][:19], each["last_at"][:19], each["example"])
        by_group.add_row(str(each["count"]), str(each["replayed"]), *map(_cell, row))
    by_letter = Table(Column("position", no_wrap=True), "time", "message", "value", "replayed as")
    for each in shown:
        became = each["replayed"]["job_id"] if each["replayed"] else ""
        preview = "" if each["preview"] is None else each["preview"][:60]
        row = (each["position"], each["timestamp"][:19], each["message"], preview, became)
        by_letter.add_row(*map(_cell, row))
    Console().print(by_group, by_letter)


def show_letter(letter: "DeadLetter", known: "Mapping[str, Mark]") -> None:
    """Write everything of one letter."""
    from producer.deadletters.showing import whole  # noqa: PLC0415 - start-up time

    said = whole(letter, known)
    for name in ("position", "timestamp", "reason", "message", "origin", "attempts", "replayed"):
        typer.echo(f"{name + ':':11}{visible(str(said[name]))}")
    for name, value in (("key", letter.key), *letter.headers, ("value", letter.value)):
        text = "null" if value is None else value.decode("utf-8", "backslashreplace")
        typer.echo(f"{visible(name)}: {visible(text)}")


def _cell(text: str) -> "Text":
    """Return a stranger's text for a table, in which nothing is markup or control."""
    from rich.text import Text  # noqa: PLC0415 - start-up time

    return Text(visible(text))


@contextmanager
def told(what: str, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar while the body runs; what it gets is told how much is done, and of how much."""
    with progress(shown=shown) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
