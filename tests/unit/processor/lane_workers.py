"""Workers that hold one partition in turn, or believe so, and a requests topic with transactions that failed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from processor.batch import Batch, Outcomes
from processor.lanes.budget import Budget
from processor.lanes.context import LaneContext
from processor.lanes.history import Memory
from processor.lanes.lane import Lane
from processor.lanes.limits import DeadLetterLimits
from processor.lanes.turns import Turns
from processor.pace import Pace
from tests.fakes import FakeEngine, FakeKafka, FakeRoll, collaborators, handled, raw_chunk, request_value
from tests.rows import read_row

SECONDS: Final = 600.0
"""What has not happened by then never will; meant for virtual time."""
BUDGET: Final = 16


def job(number: int) -> str:
    """Return the id of the job of that number."""
    return str(UUID(int=number + 1))


def requests(first: int, count: int) -> list[bytes | None]:
    """Return requests for jobs of consecutive numbers."""
    return [request_value("P1", job(number)) for number in range(first, first + count)]


@dataclass(slots=True)
class Topic(FakeKafka):
    """Requests among which some were never committed by whoever wrote them."""

    uncommitted: set[int] = field(default_factory=set)

    def pump(self) -> None:
        for feed in self.feeds:
            while (at := feed.wanted) is not None and at < len(self.values):
                hidden = at in self.uncommitted
                raw = raw_chunk([(None, self.values[at])], at, producer_id=9, transactional=True)
                feed.accept(at, raw, [(9, at)] if hidden else ())


@dataclass(slots=True)
class Worker:
    """One worker's share in the partition: what it remembers, its lane while it has one, and what it has counted."""

    kafka: Topic
    window: int
    memory: Memory = field(init=False)
    budget: Budget = field(default_factory=lambda: Budget(BUDGET))
    lane: Lane | None = None
    task: asyncio.Task[None] | None = None
    counted: list[str] = field(default_factory=list)
    fatal: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.memory = Memory(self.window)

    async def submit(self, batch: Batch) -> Outcomes:
        await asyncio.sleep(0.001)
        return handled(batch, collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine()))

    def start(self) -> None:
        self.lane = Lane(self.kafka.partition, self.kafka.feed(), self.memory, self._context())
        self.task = asyncio.ensure_future(self.lane.run())

    async def end(self, *, orderly: bool) -> None:
        """Give the partition up: after what is in hand, or at once."""
        if self.lane is None or self.task is None:
            return
        if orderly:
            self.lane.drain()
        else:
            self.task.cancel()
        await asyncio.wait({self.task}, timeout=SECONDS)
        assert self.task.done(), "the lane does not end"
        assert self.budget.free == BUDGET, "the lane keeps a share of the budget"
        self.kafka.feeds.remove(self.lane.feed)
        self.lane = self.task = None

    def _context(self) -> LaneContext:
        return LaneContext(
            desk=self,
            budget=self.budget,
            pace=Pace(max_records=3, batch_seconds=1.0),
            limits=DeadLetterLimits(1_000, 100, 10_000),
            results="results",
            dead_letters="dead",
            record_limit=1_000_000,
            max_records=3,
            commit_seconds=5.0,
            turns=Turns(1, 0.05),
            book=self.kafka.book,
            committed=self.kafka.last_commit,
            bounds=self.kafka.bounds,
            count=self._count,
            aborted=lambda _reason: None,
            fatal=self.fatal.append,
        )

    def _count(self, outcomes: Sequence[Outcomes], _seconds: float) -> None:
        self.counted += [(read_row(row).key or b"").decode() for each in outcomes for row in each.results]
