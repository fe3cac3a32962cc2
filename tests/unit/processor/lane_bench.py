"""A lane against a Kafka in memory, with everything that it works with."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from processor.batch import Batch, Outcomes
from processor.lanes.budget import Budget
from processor.lanes.context import LaneContext
from processor.lanes.history import Memory
from processor.lanes.lane import Lane
from processor.lanes.limits import DeadLetterLimits
from processor.lanes.turns import Turns
from processor.pace import Pace
from tests.fakes import FakeEngine, FakeKafka, FakeRoll, collaborators, handled, request_value
from tests.rows import read_row
from tests.waiting import comes_true


def job(number: int) -> str:
    return str(UUID(int=number))


def requests(first: int, count: int) -> list[bytes]:
    return [request_value("P1", job(number)) for number in range(first, first + count)]


def large_requests(first: int, count: int) -> list[bytes]:
    """Return requests of which a few are plenty."""
    much = {f"characteristic {number}": "x" * 1_000 for number in range(17)}
    return [request_value("P1", job(number), characteristics=much) for number in range(first, first + count)]


@dataclass(slots=True)
class LaneBench:
    """A lane's collaborators, all in memory, and what they saw."""

    kafka: FakeKafka
    engine: FakeEngine = field(default_factory=FakeEngine)
    memory: Memory = field(default_factory=Memory)
    budget: Budget = field(default_factory=lambda: Budget(64))
    limits: DeadLetterLimits = field(default_factory=lambda: DeadLetterLimits(1_000, 100, 10_000))
    max_records: int = 7
    commit_seconds: float = 5.0
    turns: Turns = field(default_factory=lambda: Turns(1, 0.05))
    counted: list[Outcomes] = field(default_factory=list)
    aborted: list[str] = field(default_factory=list)
    fatal: list[BaseException] = field(default_factory=list)
    before_answer: Callable[[Batch], None] | None = None
    held: asyncio.Event | None = None
    """Answers wait for it."""

    async def submit(self, batch: Batch) -> Outcomes:
        await asyncio.sleep(0)
        if self.held is not None:
            await self.held.wait()
        if self.before_answer is not None:
            self.before_answer(batch)
        return handled(batch, collaborators(FakeRoll.of("BENTON", "P1", "BIG"), self.engine))

    def lane(self) -> Lane:
        context = LaneContext(
            desk=self,
            budget=self.budget,
            pace=Pace(max_records=self.max_records, batch_seconds=1.0),
            limits=self.limits,
            results="results",
            dead_letters="dead",
            record_limit=1_000_000,
            max_records=self.max_records,
            commit_seconds=self.commit_seconds,
            turns=self.turns,
            book=self.kafka.book,
            committed=self.kafka.last_commit,
            bounds=self.kafka.bounds,
            count=self._count,
            aborted=self.aborted.append,
            fatal=self.fatal.append,
        )
        return Lane(self.kafka.partition, self.kafka.feed(), self.memory, context)

    def _count(self, outcomes: Sequence[Outcomes], _seconds: float) -> None:
        self.counted.extend(outcomes)

    @property
    def jobs(self) -> list[str]:
        return [(read_row(row).key or b"").decode() for row in self.kafka.topics.get("results", [])]

    @property
    def counted_jobs(self) -> int:
        return sum(sum(outcomes.tally.values()) for outcomes in self.counted)


@asynccontextmanager
async def running(bench: LaneBench) -> AsyncIterator[Lane]:
    lane = bench.lane()
    task = asyncio.create_task(lane.run())
    try:
        yield lane
    finally:
        lane.drain()
        async with asyncio.timeout(5):
            await task
        assert bench.kafka.open_books == 0
        assert bench.budget.free == 64


async def until(condition: Callable[[], object]) -> None:
    assert await comes_true(condition, 10)


async def all_settled(bench: LaneBench) -> None:
    await until(lambda: bench.kafka.committed == len(bench.kafka.values))


def expect_exactly_once(bench: LaneBench, jobs: int) -> None:
    assert Counter(bench.jobs) == Counter(job(number) for number in range(jobs))
    assert bench.counted_jobs == jobs
    assert bench.fatal == []
