"""One listener's way through the results: what it missed from the topic, what is recent from memory, then live."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from producer.view.decoding import result_row
from producer.view.errors import BadEventId, LogUnavailable
from producer.view.feed import Feed, Group, one_line, wants
from producer.view.live import LiveFilter, LiveResult
from producer.view.log import Replay

ReadAgain = Callable[[Mapping[int, int], Mapping[int, int]], Replay]
"""Reads results once more, from one set of positions by partition to another."""


class Listener:
    """A subscription: ``take`` hands out results at the pace at which it is called.

    Args:
        feed: the live results.
        wanted: which of them.
        after: the event id to resume from, None for from now on.
        read_again: reads what is no longer in the feed's memory.
        replays: how many listeners may do so at once.

    Raises:
        BadEventId: ``after`` is no id of this feed.
        LogUnavailable: the feed has not begun.
    """

    def __init__(
        self, feed: Feed, wanted: LiveFilter, after: str | None, read_again: ReadAgain, replays: asyncio.Semaphore
    ) -> None:
        if feed.ids is None:
            raise LogUnavailable("the live feed has not begun")
        self._feed = feed
        self._wanted = wanted
        self._read_again = read_again
        self._replays = replays
        self._replay: Replay | None = None
        self._group: Group | None = None
        self._taken = 0
        self._ahead = False
        self._at = list(feed.positions)
        if after is not None:
            self._at = _aligned(feed.ids.read(after), len(feed.positions))

    @property
    def id(self) -> str:
        """Return the id that resumes after everything taken so far."""
        if self._group is not None and self._group.count == self._taken:
            self._advance(self._feed.positions)
        return "" if self._feed.ids is None else self._feed.ids.write(self._at)

    async def take(self, timeout_s: float) -> Sequence[LiveResult]:
        """Return what has come since the last call; nothing when time is up."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            results = await self._missed() if self._group is None else await self._live(deadline - loop.time())
            if results or loop.time() >= deadline:
                return results

    async def leave(self) -> None:
        """Stop listening."""
        if self._group is not None:
            self._feed.part(self._group)
            self._group = None
        await self._close_replay()

    async def _missed(self) -> Sequence[LiveResult]:
        """Return a share of what lies before the live results; join those once nothing does."""
        floor = self._feed.floor
        if self._replay is None and all(at >= low for at, low in zip(self._at, floor, strict=False)):
            recent = list(self._feed.recent(self._wanted, self._at))
            self._group = self._feed.join(self._wanted)
            self._taken = self._group.count
            self._ahead = any(at > put for at, put in zip(self._at, self._feed.positions, strict=False))
            return recent
        if self._replay is None:
            first = {place: at for place, (at, low) in enumerate(zip(self._at, floor, strict=False)) if at < low}
            await self._replays.acquire()
            self._replay = self._read_again(first, {place: floor[place] for place in first})
            await self._replay.open()
        return await self._again(self._replay)

    async def _again(self, replay: Replay) -> Sequence[LiveResult]:
        polled = await replay.read()
        results = []
        for records in polled.records:
            for record in records:
                row = result_row(record)
                if record.offset < self._at[record.partition]:
                    continue
                self._at[record.partition] = record.offset + 1
                if row is not None and self._feed.ids is not None and wants(self._wanted, row):
                    data = one_line(record.value or b"")
                    results.append(LiveResult(self._feed.ids.write(self._at), data, record.partition, record.offset))
        for (_, partition), position in polled.positions.items():
            self._at[partition] = max(self._at[partition], position)
        if replay.done:
            await self._close_replay()
        return results

    async def _close_replay(self) -> None:
        replay, self._replay = self._replay, None
        if replay is not None:
            self._replays.release()
            await replay.close()

    async def _live(self, wait_s: float) -> Sequence[LiveResult]:
        group = self._group
        assert group is not None  # noqa: S101 - for the type checker
        if group.count == self._taken and wait_s > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await group.more.wait()
        results = group.since(self._taken)
        self._taken = group.count
        if self._ahead:
            return [self._stamped(result) for result in results if result.offset >= self._at[result.partition]]
        if results and self._feed.ids is not None:
            self._advance(self._feed.ids.read(results[-1].id))
        return results

    def _stamped(self, result: LiveResult) -> LiveResult:
        """Return a result with the listener's own positions, which are ahead of the feed's after a restart."""
        self._at[result.partition] = result.offset + 1
        feed = self._feed
        self._ahead = any(at > position for at, position in zip(self._at, feed.positions, strict=False))
        return result if feed.ids is None else replace(result, id=feed.ids.write(self._at))

    def _advance(self, positions: Sequence[int]) -> None:
        for partition, position in enumerate(positions):
            if partition == len(self._at):
                self._at.append(position)
            elif position > self._at[partition]:
                self._at[partition] = position


def _aligned(positions: list[int], partitions: int) -> list[int]:
    """Return positions for all partitions; those that the id does not know were made after it, and are all new.

    Raises:
        BadEventId: the id knows more partitions than there are.
    """
    if len(positions) > partitions:
        raise BadEventId("the event id is of a topic with more partitions")
    return positions + [0] * (partitions - len(positions))
