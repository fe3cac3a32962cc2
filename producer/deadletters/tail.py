"""Pages through the dead letters, the newest first."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from producer.deadletters.letter import DeadLetter
from producer.deadletters.reading import Extent, Reader, letter_of


@dataclass(slots=True)
class _Tail:
    """The letters of one partition that have been read and not given out, oldest first; ``low`` is where they begin."""

    first: int
    low: int
    end: int
    letters: list[DeadLetter] = field(default_factory=list)


async def newest(
    reader: Reader, limit: int, ends: Mapping[int, int] | None = None, *, reason: str | None = None
) -> tuple[list[DeadLetter], dict[int, int] | None]:
    """Return one page of letters, the newest first, and the ``ends`` of the next page; None on the last one.

    ``ends`` are the offsets before which the page begins, by default the ends of the topic.
    """
    tails = {
        number: _Tail(extent.first, end, end)
        for number, extent in reader.extents.items()
        for end in [max(extent.first, min(extent.end, (ends or {}).get(number, extent.end)))]
    }
    page: list[DeadLetter] = []
    step = 2 * limit // max(1, len(tails)) + 8
    while len(page) < limit:
        await _fill(reader, tails, step, reason)
        waiting = [tail for tail in tails.values() if tail.letters]
        if not waiting:
            return page, None
        latest = max(waiting, key=lambda tail: (tail.letters[-1].timestamp_ms, tail.letters[-1].position))
        letter = latest.letters.pop()
        latest.end = letter.position.offset
        page.append(letter)
    return page, {number: tail.end for number, tail in tails.items()}


async def _fill(reader: Reader, tails: Mapping[int, _Tail], step: int, reason: str | None) -> None:
    """Read backwards in every partition that has nothing to give out, until it has or is read to its beginning."""
    while spans := {
        number: Extent(max(tail.first, tail.low - step), tail.low)
        for number, tail in tails.items()
        if not tail.letters and tail.low > tail.first
    }:
        async for record in reader.records(spans):
            letter = letter_of(record)
            if reason is None or letter.reason == reason:
                tails[record.partition].letters.append(letter)
        for number, span in spans.items():
            tails[number].low = span.first
            if not tails[number].letters:
                tails[number].end = span.first
