"""Lanes over a journal against a real Kafka: commits in doubt, and offsets that open transactions move."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import orjson
from aiokafka import TopicPartition

from processor.batch import Batch, Outcomes
from processor.lanes.budget import Budget
from processor.lanes.context import LaneContext
from processor.lanes.journal import Journal
from processor.lanes.ledger import Ledger
from processor.lanes.limits import DeadLetterLimits
from processor.lanes.protocol import Tenure
from processor.lanes.source import LaneSource, Membership
from processor.lanes.transactions import Batches, Transactions
from processor.pace import Pace
from schemas.topics import Topics
from tests.fakes import FakeEngine, FakeRoll, collaborators, handled
from tests.integration.processor.members import GROUP, member_of, values_of
from tests.integration.processor.workers import following, publish
from tests.kafka import create_topics
from tests.waiting import holds


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
    name: str = field(default_factory=lambda: f"{GROUP}.{uuid4()}")
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        writer = _Doubtful({"bootstrap_servers": self.kafka}, self.name, GROUP, (self.topics.results.name,))
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
    membership = Membership(lanes.topics.requests.name, GROUP, None, 10_000, 100_000, lanes.name)
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
        assert len(values_of(results, 600)) == 600
        assert Counter((record.key() or b"").decode() for record in results.records) == Counter(jobs)


async def test_a_lane_begins_at_no_offset_that_an_open_transaction_moves(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with member_of(kafka, topics) as member:
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
