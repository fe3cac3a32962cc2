"""One partition's records on their way to its lane: fetched ahead while raw, parsed when they are taken."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException

from processor.batch import Record
from processor.lanes.chunk import Aborted, next_offset, read_committed

_AHEAD: Final = 2
"""Chunks to hold: one being taken, one in reserve; more of small ones."""
_PLENTY_BYTES: Final = 1 << 14
"""Some 64 requests: from here on valuing more of them together gains little."""


class Feed:
    """A partition's committed records from a position on, in order, each once.

    ``more`` is called whenever the feed has room for another chunk.
    """

    def __init__(self, partition: TopicPartition, more: Callable[[], None]) -> None:
        self.partition = partition
        self._more = more
        self._chunks: deque[tuple[bytes, Aborted, int]] = deque()
        self._batches: Iterator[tuple[int, list[Record]]] | None = None
        """What may be left of the chunk that is being taken."""
        self._taking = 0
        """Bytes of the chunk that is being taken."""
        self._records: list[Record] = []
        self._at = 0
        self._after_batch = 0
        self._position: int | None = None
        self._wanted: int | None = None
        self._error: BaseException | None = None
        self._arrived = asyncio.Event()

    @property
    def position(self) -> int:
        """The offset up to which everything has been taken or holds no records for a reader."""
        return self._position or 0

    @property
    def wanted(self) -> int | None:
        """The offset to fetch next; None while there is enough at hand, or before ``seek``."""
        room = self._error is None and (len(self._chunks) < _AHEAD or not self.plenty)
        return self._wanted if room else None

    def seek(self, offset: int) -> None:
        """Go on from ``offset``, whatever is at hand."""
        self._chunks.clear()
        self._batches, self._taking, self._records, self._at = None, 0, [], 0
        self._position = self._after_batch = self._wanted = offset
        self._error = None
        self._arrived.clear()
        self._more()

    def accept(self, fetched_at: int, raw: bytes, aborted: Aborted) -> None:
        """Take in a chunk that was fetched at an offset.

        One that is no longer wanted is dropped; of one that cannot be read ``wait`` tells.
        """
        if fetched_at != self._wanted or not raw:
            return
        try:
            following = next_offset(raw, fetched_at)
        except CorruptRecordException as error:
            self.fail(error)
            return
        if following == fetched_at:
            return
        self._chunks.append((raw, aborted, fetched_at))
        self._wanted = following
        self._arrived.set()

    def fail(self, error: BaseException) -> None:
        """Make ``wait`` raise: the partition cannot be read."""
        self._error = error
        self._arrived.set()

    @property
    def ready(self) -> bool:
        """Whether there is something to take, records or a gap that ``position`` moves over."""
        return self._at < len(self._records) or self._batches is not None or bool(self._chunks)

    @property
    def plenty(self) -> bool:
        """Whether there is so much to take that nothing is gained by waiting for more, or no more will come."""
        at_hand = self._taking + sum(len(raw) for raw, _, _ in self._chunks)
        return at_hand >= _PLENTY_BYTES or self._error is not None

    async def wait(self) -> None:
        """Wait until there is something to take; raises what makes the partition unreadable."""
        while not self.ready:
            if self._error is not None:
                raise self._error
            self._arrived.clear()
            await self._arrived.wait()

    async def wait_for_plenty(self) -> None:
        """Wait until there is plenty to take."""
        while not self.plenty:
            self._arrived.clear()
            await self._arrived.wait()

    def take(self, limit: int) -> list[Record]:
        """Return up to ``limit`` records that are at hand; none when only gaps were."""
        taken: list[Record] = []
        while len(taken) < limit:
            if self._at >= len(self._records) and not self._next_batch():
                break
            part = self._records[self._at : self._at + limit - len(taken)]
            self._at += len(part)
            taken += part
        if self._at >= len(self._records):
            self._records, self._at = [], 0
            self._position = self._after_batch
        elif taken:
            self._position = taken[-1].offset + 1
        return taken

    def _next_batch(self) -> bool:
        """Move on to the next record batch that has records; False when there is none at hand."""
        while True:
            if self._batches is None:
                if not self._chunks:
                    return False
                raw, aborted, fetched_at = self._chunks.popleft()
                self._batches, self._taking = read_committed(raw, aborted, fetched_at), len(raw)
                self._more()
            for after, records in self._batches:
                self._after_batch = after
                if records:
                    self._records, self._at = records, 0
                    return True
            self._batches, self._taking = None, 0
