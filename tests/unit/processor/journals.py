"""A worker's journal over a transactional producer in memory, and ledgers of its partitions."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiokafka import TopicPartition
from aiokafka import errors as kafka

from processor.batch import Row
from processor.lanes.journal import Journal
from processor.lanes.ledger import Ledger
from processor.lanes.protocol import Tenure
from processor.lanes.recordbatch import RecordBatch
from processor.wire import frame
from tests.unit.processor.virtual_time import run_virtually

_ROW: Final = frame(b"key", b"value", ())
ME: Final = "workers.requests.me"
Offsets = Mapping[TopicPartition, int]


@dataclass(slots=True)
class Writer:
    """A transactional producer that remembers what it was told."""

    transactional_id: str = ME
    begun: int = 0
    moments: list[float] = field(default_factory=list)
    """When it began, seconds."""
    stuck: int = 0
    """So many beginnings never end."""
    away: int = 0
    """So many beginnings fail."""
    failures: list[BaseException] = field(default_factory=list)
    """Raised by the next commits."""
    gate: asyncio.Event | None = None
    commits: list[tuple[Offsets, Tenure]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    written: list[bytes] = field(default_factory=list)
    topics: frozenset[str] = frozenset({"results"})
    closed: bool = False
    unforeseen: Exception | None = None

    async def begin_anew(self) -> None:
        self.begun += 1
        self.moments.append(asyncio.get_running_loop().time())
        if self.begun <= self.stuck:
            await asyncio.Event().wait()
        if self.begun <= self.away:
            raise kafka.KafkaConnectionError
        if self.unforeseen is not None:
            raise self.unforeseen

    async def end(self, transactional_id: str) -> None:
        self.ended.append(transactional_id)

    async def commit(
        self, batches: Mapping[TopicPartition, Sequence[RecordBatch]], offsets: Offsets, tenure: Tenure
    ) -> None:
        assert all(some for some in batches.values())
        await asyncio.sleep(0.01)
        if self.gate is not None:
            await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.commits.append((dict(offsets), tenure))
        self.written += [batch.build() for some in batches.values() for batch in some]

    def has(self, topic: str, partition: int) -> bool:
        return topic in self.topics and partition < 12

    async def close(self) -> None:
        self.closed = True


@dataclass(slots=True)
class Group:
    """A consumer group as one of its members sees it."""

    tenure: Tenure | None = Tenure(3, "me-1", None)  # noqa: RUF009 - immutable
    holder: str | None = None
    present: frozenset[str] = frozenset({ME})

    async def last_holder(self, partition: TopicPartition) -> str | None:
        assert partition.topic == "requests"
        return self.holder

    async def members(self) -> frozenset[str]:
        return self.present


@dataclass(slots=True)
class JournalWorker:
    """The journal of a worker, and ledgers of its partitions."""

    writer: Writer = field(default_factory=Writer)
    group: Group = field(default_factory=Group)
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        self.journal = Journal(self.writer, commit_seconds=5.0)

    def ledger(self, partition: int) -> Ledger:
        at = TopicPartition("requests", partition)
        return Ledger(self.journal, self.group, partition=at, topics=("results",), batch_bytes=100)

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something while the journal holds its rounds."""

        async def all_of_it() -> None:
            self.journal.start()
            try:
                async with asyncio.timeout(600):
                    await work()
            finally:
                await self.journal.stop()
            assert len(asyncio.all_tasks()) == 1, "the journal goes on"

        run_virtually(all_of_it())
        assert self.writer.closed

    def committed(self) -> list[dict[int, int]]:
        return [{at.partition: offset for at, offset in offsets.items()} for offsets, _ in self.writer.commits]


async def commit(ledger: Ledger, next_offset: int, rows: Sequence[Row] = (_ROW,)) -> None:
    async with ledger.turn():
        await ledger.write({"results": rows}, next_offset)


async def outcome(work: Awaitable[None]) -> BaseException | None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - it is what the tests are about
        return error
    return None
