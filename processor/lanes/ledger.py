"""One lane's access to the journal: takes the partition over from whoever held it, then commits what the lane hands in.

Who held a partition last is noted beside the committed offset, by transactional id, and members of the group go by the
same name. What a worker that is gone has left open is ended at once, where it would wait for Kafka's time limit.
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol

from aiokafka import TopicPartition

from processor.batch import Row
from processor.errors import Fenced, TryAgain
from processor.lanes.journal import Entry, Journal, Place
from processor.lanes.protocol import Tenure
from processor.lanes.recordbatch import RecordBatch

_NEVER: Final = -1


class Group(Protocol):
    """What a ledger needs to know of the consumer group."""

    @property
    def tenure(self) -> Tenure | None:
        """In which generation the partitions are held that this worker holds; None when it holds none."""
        ...

    async def last_holder(self, partition: TopicPartition) -> str | None:
        """Return who committed a partition's offset last, also while a transaction that moves it is open."""
        ...

    async def members(self) -> frozenset[str]:
        """Return the names of those who are in the group now."""
        ...


class Ledger:
    """Commits the rows of one lane and the offset that they settle, for one generation of the group."""

    def __init__(
        self,
        journal: Journal,
        group: Group,
        *,
        partition: TopicPartition,
        topics: Sequence[str],
        batch_bytes: int,
    ) -> None:
        self._journal = journal
        self._group = group
        self._tenure = group.tenure
        self._partition = partition
        self._topics = topics
        self._batch_bytes = batch_bytes
        self._place: Place | None = None
        self._claimed = False

    async def start(self) -> None:
        """End what a holder of the partition that is gone has left open, and this worker's own last transaction.

        Raises:
            TryAgain: a topic to write to lacks the partition, so far.
            Fenced: the partition has been given up.
        """
        if self._tenure is None or self._tenure.generation <= _NEVER:
            raise Fenced("not a member of the group")
        await self._journal.sound()
        writer = self._journal.writer
        for topic in self._topics:
            if not writer.has(topic, self._partition.partition):
                raise TryAgain(f"{topic} has no partition {self._partition.partition}")
        holder = await self._group.last_holder(self._partition)
        self._claimed = holder == writer.transactional_id
        if holder and not self._claimed and holder not in await self._group.members():
            await writer.end(holder)

    async def claim(self, offset: int) -> None:
        """Note beside the committed offset that this worker holds the partition, before anything is done of it."""
        if not self._claimed:
            async with self.turn():
                await self.write({}, offset)
            self._claimed = True

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the next round of commits, and take part in it for the length of the context."""
        async with self._journal.turn() as place:
            self._place = place
            try:
                yield
            finally:
                self._place = None

    async def write(self, rows: Mapping[str, Sequence[Row]], next_offset: int) -> None:
        """Write rows to their topics, to the lane's partition number, commit the offset with them, all or nothing.

        To be called once in a turn. When this raises it is unknown whether the transaction has committed.
        """
        place, tenure = self._place, self._tenure
        if place is None or tenure is None:
            raise RuntimeError("a ledger is written to in its turn")
        number, now_ms = self._partition.partition, time.time_ns() // 1_000_000
        batches = {TopicPartition(topic, number): self._batches(some, now_ms) for topic, some in rows.items()}
        await self._journal.write(place, Entry(self._partition, batches, next_offset, tenure))

    def _batches(self, rows: Sequence[Row], now_ms: int) -> Sequence[RecordBatch]:
        batches, at = [], 0
        while at < len(rows):
            batches.append(RecordBatch(self._batch_bytes, now_ms))
            at = batches[-1].extend(rows, at)
        return batches
