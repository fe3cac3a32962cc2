"""Members of a consumer group that hold partitions of a real Kafka, each with a journal."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition

from processor.batch import Row
from processor.errors import LaneError
from processor.lanes.committed import Unstable, committed, members
from processor.lanes.failures import translated
from processor.lanes.journal import Journal
from processor.lanes.ledger import Ledger
from processor.lanes.protocol import Tenure
from processor.lanes.transactions import Transactions
from processor.wire import frame
from schemas.topics import Topics
from tests.integration.processor.workers import Follower
from tests.waiting import came_true, holds, until

GROUP = "ledgers"


@dataclass(slots=True)
class Member:
    """A member of the group with a journal; what it holds was given to it in the generation that it joined in."""

    kafka: str
    topics: Topics
    name: str = field(default_factory=lambda: f"{GROUP}.{uuid4()}")
    consumer: AIOKafkaConsumer | None = None
    tenure: Tenure | None = None
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        writer = Transactions({"bootstrap_servers": self.kafka}, self.name, self._group, (self.topics.results.name,))
        self.journal = Journal(writer, 20.0)

    @property
    def _group(self) -> str:
        return f"{GROUP}.{self.topics.requests.name}"

    @property
    def writer(self) -> Transactions:
        assert isinstance(self.journal.writer, Transactions)
        return self.journal.writer

    @property
    def coordinator(self) -> Any:
        assert self.consumer is not None
        return self.consumer._coordinator

    async def join(self) -> None:
        self.journal.start()
        self.consumer = AIOKafkaConsumer(
            self.topics.requests.name,
            bootstrap_servers=self.kafka,
            group_id=self._group,
            client_id=self.name,
            enable_auto_commit=False,
        )
        await self.consumer.start()
        self.tenure = Tenure(self.coordinator.generation, self.coordinator.member_id, None)

    async def leave(self) -> None:
        if self.consumer is not None:
            consumer, self.consumer = self.consumer, None
            with contextlib.suppress(
                asyncio.CancelledError
            ):  # of its own: it cannot say goodbye to a broker that is away
                await consumer.stop()

    async def last_holder(self, partition: TopicPartition) -> str | None:
        return (await committed(self.coordinator, self._group, partition, stable=False)).note or None

    async def members(self) -> frozenset[str]:
        return await members(self.coordinator, self._group)

    async def committed(self, number: int = 0) -> int | None:
        at = TopicPartition(self.topics.requests.name, number)
        return (await committed(self.coordinator, self._group, at, stable=True)).offset

    def ledger(self, number: int = 0, batch_bytes: int = 1_000_000) -> Ledger:
        at = TopicPartition(self.topics.requests.name, number)
        return Ledger(self.journal, self, partition=at, topics=(self.topics.results.name,), batch_bytes=batch_bytes)

    async def holding(self, number: int = 0, batch_bytes: int = 1_000_000) -> Ledger:
        """Return a ledger of a partition that has been taken over."""
        ledger = self.ledger(number, batch_bytes)
        await ledger.start()
        await ledger.claim(0)
        return ledger

    async def leave_open(self, value: bytes, next_offset: int) -> None:
        """Write everything of a transaction but its end, and be gone."""
        ledger = self.ledger()
        batches = {
            TopicPartition(topic, 0): ledger._batches(rows, 0) for topic, rows in rows(self.topics, value).items()
        }
        producer = self.writer._producer
        assert producer is not None
        assert self.tenure is not None
        await self.writer._add_partitions(producer, batches)
        await self.writer._add_group(producer)
        await self.writer._write(producer, batches)
        await self.writer._settle(producer, {TopicPartition(self.topics.requests.name, 0): next_offset}, self.tenure)


@asynccontextmanager
async def member_of(kafka: str, topics: Topics) -> AsyncIterator[Member]:
    member = Member(kafka, topics)
    try:
        async with asyncio.timeout(60):
            await member.join()
            await member.journal.sound()
        yield member
    finally:
        await member.journal.stop()
        await member.leave()


def rows(topics: Topics, *values: bytes) -> Mapping[str, Sequence[Row]]:
    return {topics.results.name: [frame(b"key", value, [("h", b"1")]) for value in values]}


async def write(ledger: Ledger, topics: Topics, next_offset: int, *values: bytes) -> None:
    async with ledger.turn():
        await ledger.write(rows(topics, *values), next_offset)


def values_of(follower: Follower, count: int) -> list[bytes | None]:
    """Return all values once there are ``count``, or more."""
    until(lambda: follower.read() >= count)
    came_true(lambda: follower.read() > count, 0.5)
    return [record.value() for record in follower.records]


async def error_of(write: Awaitable[None]) -> LaneError | None:
    """Return what the failure of a write means."""
    try:
        await write
    except Exception as error:  # noqa: BLE001 - it is what the tests are about
        return translated(error)
    raise AssertionError


@dataclass(slots=True)
class Seen:
    """The group, as it is while another member is still there."""

    member: Member
    present: frozenset[str]

    @property
    def tenure(self) -> Tenure | None:
        return self.member.tenure

    async def last_holder(self, partition: TopicPartition) -> str | None:
        return await self.member.last_holder(partition)

    async def members(self) -> frozenset[str]:
        return self.present


async def holds_offset(member: Member, offset: int, number: int = 0) -> bool:
    async def settled() -> bool:
        try:
            return await member.committed(number) == offset
        except Unstable:
            return False

    return await holds(settled, 20)
