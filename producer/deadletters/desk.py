"""The dead letters as the gateway shows them: few at a time, since each look opens a connection to Kafka."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from producer.deadletters.fixing import Fix
from producer.deadletters.grouping import Summary
from producer.deadletters.letter import DeadLetter, Position
from producer.deadletters.purging import purge
from producer.deadletters.reading import letters, letters_at, marks, reading
from producer.deadletters.replaying import replaying
from producer.deadletters.showing import brief, whole
from producer.deadletters.tail import newest
from schemas.topics import Topics

_LOOKS: Final = 2


class DeadLetterDesk:
    """Looks at dead letters, replays and purges them; every method raises ``DeadLetterError``."""

    def __init__(self, options: Mapping[str, Any], table: Topics, now_ms: Callable[[], int]) -> None:
        self._options = options
        self._table = table
        self._now_ms = now_ms
        self._looking = asyncio.Semaphore(_LOOKS)
        self._acting = asyncio.Lock()

    async def page(
        self, limit: int, ends: Mapping[int, int] | None, reason: str | None
    ) -> tuple[list[dict[str, Any]], dict[int, int] | None]:
        """Return one page, the newest first, and where the next one begins."""
        async with self._looking:
            known = await marks(self._options, self._table.replays.name)
            async with reading(self._options, self._table.dead_letters.name) as reader:
                found, after = await newest(reader, limit, ends, reason=reason)
        return [brief(letter, known) for letter in found], after

    async def groups(self) -> dict[str, Any]:
        """Return all letters summed up; reads all of them."""
        summary = Summary()
        async with self._looking:
            known = await marks(self._options, self._table.replays.name)
            async with reading(self._options, self._table.dead_letters.name) as reader:
                async for letter in letters(reader):
                    summary.add(letter, known)
        return {"total": summary.total, "replayed": summary.replayed, "groups": summary.groups()}

    async def one(self, position: Position) -> dict[str, Any]:
        """Return everything of one letter."""
        async with self._looking:
            known = await marks(self._options, self._table.replays.name)
            async with reading(self._options, self._table.dead_letters.name) as reader:
                (letter,) = await letters_at(reader, [position])
        return whole(letter, known)

    async def replay(self, positions: Sequence[Position], fix: Fix | None) -> list[dict[str, Any]]:
        """Publish letters again, each at most once; return what became of each."""
        async with self._acting, reading(self._options, self._table.dead_letters.name) as reader:
            chosen = await letters_at(reader, positions)
            async with replaying(self._options, self._table) as replayer:
                done = await replayer.replay(_each(chosen), fix, self._now_ms)
        return [asdict(each) for each in done]

    async def purge(self, up_to: Sequence[Position]) -> list[dict[str, int]]:
        """Remove letters of whole partitions up to and including these; return where the partitions begin then."""
        before: dict[int, int] = {}
        for position in up_to:
            before[position.partition] = max(before.get(position.partition, 0), position.offset + 1)
        async with self._acting:
            async with reading(self._options, self._table.dead_letters.name) as reader:
                await letters_at(reader, up_to)
            begin = await purge(self._options, self._table, before)
        return [{"partition": partition, "begin": offset} for partition, offset in sorted(begin.items())]


async def _each(chosen: Sequence[DeadLetter]) -> AsyncIterator[DeadLetter]:
    for letter in chosen:
        yield letter
