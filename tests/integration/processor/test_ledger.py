"""The ledger and the lanes over it against a real Kafka: fencing, atomic writes, commits in doubt."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import orjson
from aiokafka import TopicPartition

from deploy.local.kafka import LocalKafka
from processor.batch import Batch, Outcomes, Row
from processor.errors import Fenced, LaneError, RecordRefused
from processor.lanes.budget import Budget
from processor.lanes.context import LaneContext
from processor.lanes.failures import translated
from processor.lanes.ledger import Ledger
from processor.lanes.limits import DeadLetterLimits
from processor.lanes.source import LaneSource, Membership
from processor.lanes.turns import Turns
from processor.pace import Pace
from processor.wire import frame
from schemas.topics import Topics
from tests.fakes import FakeEngine, FakeRoll, collaborators, handled
from tests.integration.processor.workers import Follower, following, publish
from tests.kafka import create_topics
from tests.waiting import came_true, holds, until


def _ledger(kafka: str, topics: Topics, batch_bytes: int = 1_000_000, partition: int = 0) -> Ledger:
    return Ledger(
        {"bootstrap_servers": kafka},
        partition=TopicPartition(topics.requests.name, partition),
        topics=(topics.results.name,),
        group="ledgers",
        batch_bytes=batch_bytes,
    )


def _rows(topics: Topics, *values: bytes) -> Mapping[str, Sequence[Row]]:
    return {topics.results.name: [frame(b"key", value, [("h", b"1")]) for value in values]}


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


async def test_the_last_to_start_holds_the_partition_and_fences_the_one_before(kafka: str) -> None:
    topics = await create_topics(kafka)
    first, second = _ledger(kafka, topics), _ledger(kafka, topics)
    await first.start()
    await first.write(_rows(topics, b"a"), 1)
    await second.start()
    assert isinstance(await _error(first.write(_rows(topics, b"zombie"), 2)), Fenced)
    await second.write(_rows(topics, b"b"), 2)
    await first.discard()
    await second.discard()
    with following(kafka, topics.results.name) as results:
        assert _values(results, 2) == [b"a", b"b"]


async def test_what_a_discarded_ledger_had_open_is_never_seen(kafka: str) -> None:
    topics = await create_topics(kafka)
    ledger = _ledger(kafka, topics)
    await ledger.start()
    await ledger._producer.begin_transaction()
    await ledger._producer.send_and_wait(topics.results.name, b"half", partition=0)
    await ledger.discard()
    heir = _ledger(kafka, topics)
    async with asyncio.timeout(20):
        await heir.start()
    await heir.write(_rows(topics, b"whole"), 1)
    await heir.discard()
    with following(kafka, topics.results.name) as results:
        assert _values(results, 1) == [b"whole"]


async def test_thousands_of_rows_of_all_sizes_arrive_whole_and_in_order(kafka: str) -> None:
    topics = await create_topics(kafka)
    ledger = _ledger(kafka, topics)
    await ledger.start()
    values = [b"%d:" % number + b"x" * (number * 37 % 2_000) for number in range(4_000)]
    await ledger.write(_rows(topics, *values), 1)
    await ledger.discard()
    with following(kafka, topics.results.name) as results:
        assert _values(results, 4_000) == values


async def test_a_record_that_the_broker_refuses_is_told_from_other_failures(kafka: str) -> None:
    topics = await create_topics(kafka)
    ledger = _ledger(kafka, topics, batch_bytes=8_000_000)
    await ledger.start()
    assert isinstance(await _error(ledger.write(_rows(topics, b"small", b"x" * 2_000_000), 1)), RecordRefused)
    await ledger.discard()
    heir = _ledger(kafka, topics)
    await heir.start()
    await heir.write(_rows(topics, b"next"), 1)
    await heir.discard()
    with following(kafka, topics.results.name) as results:
        assert _values(results, 1) == [b"next"]


async def test_a_ledger_can_be_discarded_while_the_broker_is_away() -> None:
    with LocalKafka() as cluster:
        topics = await create_topics(cluster.bootstrap_servers)
        writing, starting = (_ledger(cluster.bootstrap_servers, topics, partition=number) for number in range(2))
        await writing.start()
        cluster.kill(0)
        tasks = (asyncio.create_task(writing.write(_rows(topics, b"a"), 1)), asyncio.create_task(starting.start()))
        await asyncio.wait(tasks, timeout=1)
        async with asyncio.timeout(15):
            for task, ledger in zip(tasks, (writing, starting), strict=True):
                task.cancel()
                await asyncio.wait({task})
                await ledger.discard()


@dataclass
class _Doubtful:
    """A ledger whose commits come back with an error now and then, before or after they took effect."""

    ledger: Ledger
    faults: list[str]

    async def start(self) -> None:
        await self.ledger.start()

    async def write(self, rows: Mapping[str, Sequence[Row]], next_offset: int, mark: str) -> None:
        fault = self.faults.pop(0) if self.faults else None
        if fault == "before":
            producer = self.ledger._producer
            await producer.begin_transaction()
            for topic, some in rows.items():
                await self.ledger._send(topic, some, [])
            raise ConnectionResetError
        await self.ledger.write(rows, next_offset, mark)
        if fault == "after":
            raise TimeoutError

    async def discard(self) -> None:
        await self.ledger.discard()


@dataclass
class _Lanes:
    """All lanes of one worker, in this process."""

    kafka: str
    topics: Topics
    faults: list[str] = field(default_factory=list)
    counted: Counter[str | None] = field(default_factory=Counter)
    fatal: list[BaseException] = field(default_factory=list)

    async def submit(self, batch: Batch) -> Outcomes:
        await asyncio.sleep(0)
        return handled(batch, collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine()))

    def _book(self, partition: TopicPartition, batch_bytes: int) -> _Doubtful:
        return _Doubtful(_ledger(self.kafka, self.topics, batch_bytes, partition.partition), self.faults)

    def _count(self, outcomes: Sequence[Outcomes], _seconds: float) -> None:
        for some in outcomes:
            for (_, reason), count in some.tally.items():
                self.counted[reason] += count

    def context(self, source: LaneSource) -> LaneContext:
        return LaneContext(
            desk=self,
            budget=Budget(1_000),
            pace=Pace(max_records=20, batch_seconds=1.0),
            limits=DeadLetterLimits(1_000, 100, 10_000),
            results=self.topics.results.name,
            dead_letters=self.topics.dead_letters.name,
            record_limit=1_000_000,
            max_records=20,
            turns=Turns(3, 0.5),
            commit_seconds=20,
            book=self._book,
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
    membership = Membership(lanes.topics.requests.name, "ledgers", None, 10_000, 100_000)
    source = LaneSource({"bootstrap_servers": lanes.kafka}, membership, lanes.context, _open)
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
