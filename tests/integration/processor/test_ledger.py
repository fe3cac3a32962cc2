"""Ledger, journal and lanes against a real Kafka: generations, atomic writes, commits in doubt."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.kafka import LocalKafka
from processor.batch import Batch, Outcomes, Row
from processor.errors import Fenced, LaneError, RecordRefused, TryAgain
from processor.lanes.budget import Budget
from processor.lanes.committed import Unstable, committed, members
from processor.lanes.context import LaneContext
from processor.lanes.failures import translated
from processor.lanes.journal import Journal
from processor.lanes.ledger import Ledger
from processor.lanes.limits import DeadLetterLimits
from processor.lanes.protocol import Tenure
from processor.lanes.source import LaneSource, Membership
from processor.lanes.transactions import Batches, Transactions
from processor.pace import Pace
from processor.wire import frame
from schemas.topics import Topics
from tests.fakes import FakeEngine, FakeRoll, collaborators, handled
from tests.integration.processor.workers import Follower, following, publish
from tests.kafka import create_topics
from tests.waiting import came_true, holds, until

_GROUP = "ledgers"


@dataclass(slots=True)
class _Member:
    """A member of the group with a journal; what it holds was given to it in the generation that it joined in."""

    kafka: str
    topics: Topics
    name: str = field(default_factory=lambda: f"{_GROUP}.{uuid4()}")
    consumer: AIOKafkaConsumer | None = None
    tenure: Tenure | None = None
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        writer = Transactions({"bootstrap_servers": self.kafka}, self.name, self._group, (self.topics.results.name,))
        self.journal = Journal(writer, 20.0)

    @property
    def _group(self) -> str:
        return f"{_GROUP}.{self.topics.requests.name}"

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
            TopicPartition(topic, 0): ledger._batches(rows, 0) for topic, rows in _rows(self.topics, value).items()
        }
        producer = self.writer._producer
        assert producer is not None
        assert self.tenure is not None
        await self.writer._add_partitions(producer, batches)
        await self.writer._add_group(producer)
        await self.writer._write(producer, batches)
        await self.writer._settle(producer, {TopicPartition(self.topics.requests.name, 0): next_offset}, self.tenure)


@asynccontextmanager
async def _member(kafka: str, topics: Topics) -> AsyncIterator[_Member]:
    member = _Member(kafka, topics)
    try:
        async with asyncio.timeout(60):
            await member.join()
            await member.journal.sound()
        yield member
    finally:
        await member.journal.stop()
        await member.leave()


def _rows(topics: Topics, *values: bytes) -> Mapping[str, Sequence[Row]]:
    return {topics.results.name: [frame(b"key", value, [("h", b"1")]) for value in values]}


async def _write(ledger: Ledger, topics: Topics, next_offset: int, *values: bytes) -> None:
    async with ledger.turn():
        await ledger.write(_rows(topics, *values), next_offset)


def _values(follower: Follower, count: int) -> list[bytes | None]:
    """Return all values once there are ``count``, or more."""
    until(lambda: follower.read() >= count)
    came_true(lambda: follower.read() > count, 0.5)
    return [record.value() for record in follower.records]


async def _error(write: Awaitable[None]) -> LaneError | None:
    """Return what the failure of a write means."""
    try:
        await write
    except Exception as error:  # noqa: BLE001 - it is what the tests are about
        return translated(error)
    raise AssertionError


async def test_who_has_lost_the_partition_writes_nothing_more(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with _member(kafka, topics) as first:
        zombie = await first.holding()
        await _write(zombie, topics, 1, b"a")
        await first.leave()
        async with _member(kafka, topics) as second:
            assert isinstance(await _error(_write(zombie, topics, 2, b"zombie")), Fenced)
            assert await second.committed() == 1
            heir = await second.holding()
            for _ in range(3):
                assert isinstance(await _error(_write(zombie, topics, 2, b"zombie")), TryAgain | Fenced)
            assert isinstance(await _error(_write(zombie, topics, 2, b"zombie")), Fenced)
            await _write(heir, topics, 2, b"b")
            assert await _holds_offset(second, 2)
    with following(kafka, topics.results.name) as results:
        assert _values(results, 2) == [b"a", b"b"]


async def test_what_a_holder_that_is_gone_had_open_is_never_seen_and_holds_nobody_up(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with _member(kafka, topics) as first:
        await first.holding()
        await first.leave_open(b"half", 7)
        await first.writer.close()
        await first.leave()
        async with _member(kafka, topics) as second, asyncio.timeout(20):
            with pytest.raises(Unstable):
                await second.committed()
            heir = await second.holding()
            assert await _holds_offset(second, 0)
            await _write(heir, topics, 1, b"whole")
    with following(kafka, topics.results.name) as results:
        assert _values(results, 1) == [b"whole"]


async def test_a_holder_that_lives_ends_its_own_transactions(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with _member(kafka, topics) as first:
        await first.holding()
        await first.leave_open(b"slow", 7)
        producer = first.writer._producer
        assert producer is not None
        async with _member(kafka, topics) as second:
            ledger = second.ledger()
            ledger._group = _Both(second, frozenset({first.name, second.name}))
            await ledger.start()
            with pytest.raises(Unstable):
                await second.committed()
            await first.writer._end(producer)
            assert await _holds_offset(second, 7)
    with following(kafka, topics.results.name) as results:
        assert _values(results, 1) == [b"slow"]


async def test_a_lane_begins_at_no_offset_that_an_open_transaction_moves(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with _member(kafka, topics) as member:
        await member.holding()
        await member.leave_open(b"slow", 7)
        producer, lanes = member.writer._producer, _Lanes(kafka, topics)
        assert producer is not None
        membership = Membership(topics.requests.name, member._group, None, 10_000, 100_000, member.name)
        source = LaneSource({"bootstrap_servers": kafka}, membership, lanes.context, _open, lanes.journal)
        source._consumer = member.consumer
        asking = asyncio.create_task(source.committed(TopicPartition(topics.requests.name, 0)))
        await asyncio.sleep(0.2)
        assert not asking.done()
        await member.writer._end(producer)
        assert await asking == 7


@dataclass(slots=True)
class _Both:
    """The group, as it is while another member is still there."""

    member: _Member
    present: frozenset[str]

    @property
    def tenure(self) -> Tenure | None:
        return self.member.tenure

    async def last_holder(self, partition: TopicPartition) -> str | None:
        return await self.member.last_holder(partition)

    async def members(self) -> frozenset[str]:
        return self.present


async def _holds_offset(member: _Member, offset: int, number: int = 0) -> bool:
    async def settled() -> bool:
        try:
            return await member.committed(number) == offset
        except Unstable:
            return False

    return await holds(settled, 20)


async def test_who_was_taken_for_gone_begins_anew_and_goes_on(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with _member(kafka, topics) as first, _member(kafka, topics) as other:
        first.tenure = Tenure(first.coordinator.generation, first.coordinator.member_id, None)
        ledger = await first.holding()
        await other.writer.end(first.name)
        assert isinstance(await _error(_write(ledger, topics, 1, b"a")), TryAgain)
        await first.journal.sound()
        await _write(first.ledger(), topics, 1, b"b")
    with following(kafka, topics.results.name) as results:
        assert _values(results, 1) == [b"b"]


async def test_partitions_commit_together(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with _member(kafka, topics) as member:
        ledgers = await asyncio.gather(*(member.holding(number) for number in range(12)))
        await asyncio.gather(*(_write(ledger, topics, 5, b"%d" % at) for at, ledger in enumerate(ledgers)))
        assert all([await _holds_offset(member, 5, number) for number in range(12)])
    with following(kafka, topics.results.name) as results:
        assert sorted(_values(results, 12), key=str) == sorted((b"%d" % at for at in range(12)), key=str)
        assert {record.partition(): record.value() for record in results.records} == {
            at: b"%d" % at for at in range(12)
        }


async def test_thousands_of_rows_of_all_sizes_arrive_whole_and_in_order(kafka: str) -> None:
    topics = await create_topics(kafka)
    values = [b"%d:" % number + b"x" * (number * 37 % 2_000) for number in range(4_000)]
    async with _member(kafka, topics) as member:
        ledger = await member.holding()
        await _write(ledger, topics, 1, *values)
        await _write(ledger, topics, 2, b"last")
    with following(kafka, topics.results.name) as results:
        assert _values(results, 4_001) == [*values, b"last"]


async def test_a_record_that_the_broker_refuses_is_told_from_other_failures(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with _member(kafka, topics) as member:
        large, small = await member.holding(0, 8_000_000), await member.holding(1)
        outcomes = await asyncio.gather(
            _error(_write(large, topics, 1, b"small", b"x" * 2_000_000)), _error(_write(small, topics, 1, b"other"))
        )
        assert [type(outcome) for outcome in outcomes] == [RecordRefused, TryAgain]
        await _write(large, topics, 1, b"next")
    with following(kafka, topics.results.name) as results:
        assert _values(results, 1) == [b"next"]


async def test_a_journal_stops_while_the_broker_is_away() -> None:
    with LocalKafka() as cluster:
        topics = await create_topics(cluster.bootstrap_servers)
        async with _member(cluster.bootstrap_servers, topics) as member:
            ledger = await member.holding()
            cluster.kill(0)
            writing = asyncio.create_task(_write(ledger, topics, 1, b"a"))
            await asyncio.wait({writing}, timeout=1)
            async with asyncio.timeout(15):
                await member.journal.stop()
            writing.cancel()
            await asyncio.wait({writing})


class _Doubtful(Transactions):
    """A producer whose commits come back with an error now and then, before or after they took effect."""

    faults: list[str]

    async def commit(self, batches: Batches, offsets: Mapping[TopicPartition, int], tenure: Tenure) -> None:
        fault = self.faults.pop(0) if self.faults and batches else None
        if fault == "before":
            producer = self._producer
            assert producer is not None
            await self._add_partitions(producer, batches)
            await self._add_group(producer)
            await self._write(producer, batches)
            raise ConnectionResetError
        await super().commit(batches, offsets, tenure)
        if fault == "after":
            raise TimeoutError


@dataclass
class _Lanes:
    """All lanes of one worker, in this process."""

    kafka: str
    topics: Topics
    faults: list[str] = field(default_factory=list)
    counted: Counter[str | None] = field(default_factory=Counter)
    fatal: list[BaseException] = field(default_factory=list)
    name: str = field(default_factory=lambda: f"{_GROUP}.{uuid4()}")
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        writer = _Doubtful({"bootstrap_servers": self.kafka}, self.name, _GROUP, (self.topics.results.name,))
        writer.faults = self.faults
        self.journal = Journal(writer, 20.0)

    async def submit(self, batch: Batch) -> Outcomes:
        await asyncio.sleep(0)
        return handled(batch, collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine()))

    def _count(self, outcomes: Sequence[Outcomes], _seconds: float) -> None:
        for some in outcomes:
            for (_, reason), count in some.tally.items():
                self.counted[reason] += count

    def context(self, source: LaneSource) -> LaneContext:
        def book(partition: TopicPartition, batch_bytes: int) -> Ledger:
            writes_to = (self.topics.results.name,)
            return Ledger(self.journal, source, partition=partition, topics=writes_to, batch_bytes=batch_bytes)

        return LaneContext(
            desk=self,
            budget=Budget(1_000),
            pace=Pace(max_records=20, batch_seconds=1.0),
            limits=DeadLetterLimits(1_000, 100, 10_000),
            results=self.topics.results.name,
            dead_letters=self.topics.dead_letters.name,
            record_limit=1_000_000,
            max_records=20,
            commit_seconds=20,
            book=book,
            committed=source.committed,
            bounds=source.ends.bounds,
            count=self._count,
            aborted=lambda _reason: None,
            fatal=self.fatal.append,
        )


async def _open() -> None:
    """Return at once: nothing has to be read first."""


@asynccontextmanager
async def _running(lanes: _Lanes) -> AsyncIterator[LaneSource]:
    membership = Membership(lanes.topics.requests.name, _GROUP, None, 10_000, 100_000, lanes.name)
    source = LaneSource({"bootstrap_servers": lanes.kafka}, membership, lanes.context, _open, lanes.journal)
    source.start()
    try:
        yield source
    finally:
        await source.stop()


async def test_commits_in_doubt_lose_nothing_double_nothing_and_count_once(kafka: str) -> None:
    topics = await create_topics(kafka)
    jobs = [str(uuid4()) for _ in range(600)]
    value = {"property_id": "P1", "county_id": "BENTON"}
    await publish(kafka, topics, [(None, orjson.dumps({"job_id": job, **value})) for job in jobs], partitions=3)
    lanes = _Lanes(kafka, topics, ["after", "before", "", "after", "", "before", "before", "after"])
    with following(kafka, topics.results.name) as results:
        async with _running(lanes) as source:

            async def all_counted() -> bool:
                return lanes.counted[None] >= len(jobs)

            assert await holds(all_counted, 40)
            assert [lane.why for lane in source.lanes] == [""] * 12
        assert lanes.fatal == []
        assert lanes.counted == {None: 600}
        assert len(_values(results, 600)) == 600
        assert Counter((record.key() or b"").decode() for record in results.records) == Counter(jobs)
