"""How a lane ends: fenced and halted for good, a corrupt log with its process, and none with what all share."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from aiokafka import errors as kafka

from processor.batch import Outcomes
from processor.dedupe import Sightings
from processor.lanes.feed import Feed
from processor.lanes.history import Memory, remember
from processor.lanes.lane import Lane, LaneState
from processor.lanes.limits import DeadLetterLimits
from schemas.codec import derived_job_id
from tests.fakes import raw_chunk, request_value
from tests.unit.processor.lane_workers import BUDGET, Topic, Worker
from tests.unit.processor.virtual_time import run_virtually

_JOB = "0f8fad5b-d9cb-469f-a165-70867728950e"


@dataclass(slots=True)
class _Run:
    """One lane of one worker, run for a while in virtual time."""

    topic: Topic
    consecutive: int = 1_000
    fatal: list[BaseException] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    free: int = 0
    ended: bool = False
    state: LaneState = LaneState.STARTING

    def __post_init__(self) -> None:
        run_virtually(self._run())

    async def _run(self) -> None:
        worker = Worker(self.topic, 100)
        context = replace(
            worker._context(),
            fatal=self.fatal.append,
            count=self._count,
            limits=DeadLetterLimits(self.consecutive, 100, 10_000),
        )
        lane = Lane(self.topic.partition, self.topic.feed(), worker.memory, context)
        task = asyncio.ensure_future(lane.run())
        await asyncio.wait({task}, timeout=60)
        self.ended, self.state = task.done(), lane.state
        task.cancel()
        await asyncio.wait({task})
        self.free = worker.budget.free

    def _count(self, _outcomes: Sequence[Outcomes], seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.mark.parametrize("error", [kafka.ProducerFenced, kafka.InvalidProducerEpoch])
def test_a_fenced_lane_does_not_fence_its_heir_in_turn(error: type[Exception]) -> None:
    run = _Run(Topic([request_value("P1")], faults=[error()]))
    assert (run.ended, run.state, run.topic.epoch) == (True, LaneState.FENCED, 1)
    assert (run.free, run.topic.topics) == (BUDGET, {})


def test_a_halted_lane_waits_for_people() -> None:
    run = _Run(Topic([b"{"] * 9), consecutive=3)
    assert (run.ended, run.state, run.topic.epoch, run.free) == (True, LaneState.HALTED, 1, BUDGET)


def test_a_lane_that_waits_says_so() -> None:
    run = _Run(Topic([request_value("P1")], faults=[kafka.RequestTimedOutError() for _ in range(99)]))
    assert (run.ended, run.state, run.free) == (False, LaneState.WAITING, BUDGET)


def test_a_log_that_cannot_be_read_ends_the_process_and_keeps_nothing() -> None:
    topic = _Corrupt([request_value("P1")] * 3)
    run = _Run(topic)
    assert [type(error) for error in run.fatal] == [kafka.CorruptRecordException]
    assert (run.ended, run.free) == (True, BUDGET)


def test_the_time_of_a_transaction_is_told() -> None:
    run = _Run(Topic([request_value("P1")]))
    assert len(run.seconds) == 1
    assert 0 <= run.seconds[0] < 60


def test_a_transaction_that_was_in_doubt_is_counted_without_a_time() -> None:
    run = _Run(Topic([request_value("P1")], doubts=[kafka.RequestTimedOutError()]))
    assert run.seconds == [0.0]


def test_jobs_that_are_named_by_their_keys_are_remembered_too() -> None:
    memory = Memory(10)
    feed = Feed(Topic().partition, lambda: None)

    async def scene() -> None:
        reading = asyncio.ensure_future(remember(memory, feed, 0, 1))
        await asyncio.sleep(0)
        feed.accept(0, raw_chunk([(_JOB.encode(), request_value("P1"))], 0), ())
        await reading

    run_virtually(scene())
    assert Sightings(memory.window).enter(0, [_JOB]) == [0]


def test_jobs_that_nothing_names_are_remembered_by_where_their_requests_lie() -> None:
    memory = Memory(10)
    feed = Feed(Topic().partition, lambda: None)

    async def scene() -> None:
        reading = asyncio.ensure_future(remember(memory, feed, 0, 1))
        await asyncio.sleep(0)
        feed.accept(0, raw_chunk([(b"P1", request_value("P1"))], 0), ())
        await reading

    run_virtually(scene())
    assert Sightings(memory.window).enter(0, [derived_job_id("requests", 3, 0)]) == [0]


@dataclass(slots=True)
class _Corrupt(Topic):
    """A log with a bit that has turned over."""

    def pump(self) -> None:
        for feed in self.feeds:
            if feed.wanted == 0:
                raw = bytearray(raw_chunk([(None, value) for value in self.values], 0))
                raw[-3] ^= 1
                feed.accept(0, bytes(raw), ())
