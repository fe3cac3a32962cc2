"""A lane against a Kafka in memory: every row of "What goes wrong" that does not need a real one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import orjson
import pytest
from aiokafka.errors import (
    CoordinatorNotAvailableError,
    InvalidTxnState,
    KafkaError,
    ProducerFenced,
    RequestTimedOutError,
)

from processor.batch import Batch, Outcomes
from processor.errors import AgentGone
from processor.lanes.budget import Budget
from processor.lanes.context import LaneContext
from processor.lanes.history import Memory
from processor.lanes.lane import Lane, LaneState
from processor.lanes.limits import DeadLetterLimits
from processor.lanes.turns import Turns
from processor.pace import Pace
from tests.fakes import FakeEngine, FakeKafka, FakeRoll, collaborators, handled, request_value
from tests.rows import read_row
from tests.waiting import holds


def _job(number: int) -> str:
    return str(UUID(int=number))


def _requests(first: int, count: int) -> list[bytes]:
    return [request_value("P1", _job(number)) for number in range(first, first + count)]


def _large_requests(first: int, count: int) -> list[bytes]:
    """Return requests of which a few are plenty."""
    much = {f"characteristic {number}": "x" * 1_000 for number in range(17)}
    return [request_value("P1", _job(number), characteristics=much) for number in range(first, first + count)]


@dataclass(slots=True)
class _Bench:
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
            committed=self.kafka.committed_offset,
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
async def _running(bench: _Bench) -> AsyncIterator[Lane]:
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


async def _until(condition: Callable[[], object]) -> None:
    async def true_now() -> bool:
        return bool(condition())

    assert await holds(true_now, 10)


async def _all_settled(bench: _Bench) -> None:
    await _until(lambda: bench.kafka.committed == len(bench.kafka.values))


def _expect_exactly_once(bench: _Bench, jobs: int) -> None:
    assert Counter(bench.jobs) == Counter(_job(number) for number in range(jobs))
    assert bench.counted_jobs == jobs
    assert bench.fatal == []


async def test_every_request_gets_one_result_in_its_order() -> None:
    bench = _Bench(FakeKafka(list(_requests(0, 40))))
    async with _running(bench) as lane:
        await _all_settled(bench)
        bench.kafka.publish(*_requests(40, 3))
        await _all_settled(bench)
        assert lane.state is LaneState.RUNNING
        assert lane.settled == 43
    assert bench.jobs == [_job(number) for number in range(43)]
    _expect_exactly_once(bench, 43)


async def test_what_is_valued_while_a_transaction_commits_goes_into_the_next_one_together() -> None:
    bench = _Bench(FakeKafka(list(_requests(0, 1))), max_records=100)
    bench.kafka.gate = asyncio.Event()
    async with _running(bench):
        await _until(lambda: bench.engine.asked)
        for number in range(1, 9):
            bench.kafka.publish(*_large_requests(number, 1))
            await _until(lambda: len(bench.engine.asked) == number + 1)  # noqa: B023 - awaited here
        bench.kafka.gate.set()
        await _all_settled(bench)
    assert bench.kafka.transactions == [1, 9]


async def test_what_comes_meanwhile_gathers_and_is_valued_in_one_batch_when_the_turn_comes() -> None:
    bench = _Bench(FakeKafka(list(_requests(0, 1))), max_records=100)
    bench.turns = Turns(1, 60)
    async with _running(bench):
        async with bench.turns.turn():
            await _until(lambda: bench.engine.asked)
            for number in range(1, 9):
                bench.kafka.publish(*_requests(number, 1))
                await asyncio.sleep(0)
            await asyncio.sleep(0.02)
            assert [len(asked) for asked in bench.engine.asked] == [1]
        await _all_settled(bench)
    assert [len(asked) for asked in bench.engine.asked] == [1, 8]
    assert bench.kafka.transactions == [9]
    _expect_exactly_once(bench, 9)


async def test_a_turn_is_not_held_up_for_what_takes_long_to_value() -> None:
    bench = _Bench(FakeKafka(list(_requests(0, 1))), max_records=100)
    bench.turns = Turns(1, 60)
    async with _running(bench):
        async with bench.turns.turn():
            await _until(lambda: bench.engine.asked)
            bench.kafka.publish(*_requests(1, 3))
            bench.held = asyncio.Event()
        await _until(lambda: bench.kafka.transactions)
        assert bench.kafka.transactions == [1]
        bench.held.set()
        await _all_settled(bench)
    assert bench.kafka.transactions == [1, 4]
    _expect_exactly_once(bench, 4)


async def test_a_lane_values_ahead_but_not_without_bound() -> None:
    bench = _Bench(FakeKafka(list(_large_requests(0, 60))), max_records=10)
    bench.kafka.gate = asyncio.Event()
    async with _running(bench):
        await _until(lambda: sum(len(asked) for asked in bench.engine.asked) >= 15)
        await asyncio.sleep(0.05)
        assert sum(len(asked) for asked in bench.engine.asked) <= 30
        bench.kafka.gate.set()
        await _all_settled(bench)
    _expect_exactly_once(bench, 60)


@pytest.mark.parametrize(
    "error",
    [
        CoordinatorNotAvailableError(),
        RequestTimedOutError(),
        ConnectionResetError(),
        InvalidTxnState(),
        TimeoutError(),
    ],
)
async def test_what_passes_is_waited_out_and_goes_on_from_the_committed_offset(error: BaseException) -> None:
    bench = _Bench(FakeKafka(list(_requests(0, 20)), faults=[error, error]))
    async with _running(bench):
        await _all_settled(bench)
    _expect_exactly_once(bench, 20)
    assert bench.aborted == [type(error).__name__] * 2
    assert bench.kafka.epoch == 3, "a fresh producer each time"


async def test_a_cancellation_that_leaks_out_of_a_broken_connection_ends_nothing() -> None:
    bench = _Bench(FakeKafka(list(_requests(0, 20)), faults=[asyncio.CancelledError()]))
    async with _running(bench):
        await _all_settled(bench)
    _expect_exactly_once(bench, 20)


async def test_an_error_that_aiokafka_wrapped_counts_by_its_cause() -> None:
    wrapped = KafkaError("Unexpected error during batch delivery")
    wrapped.__cause__ = InvalidTxnState()
    bench = _Bench(FakeKafka(list(_requests(0, 5)), faults=[wrapped]))
    async with _running(bench):
        await _all_settled(bench)
    _expect_exactly_once(bench, 5)


async def test_a_commit_in_doubt_that_did_commit_is_neither_repeated_nor_left_uncounted() -> None:
    bench = _Bench(FakeKafka(list(_requests(0, 20)), doubts=[RequestTimedOutError(), ConnectionError()]))
    async with _running(bench):
        await _all_settled(bench)
    _expect_exactly_once(bench, 20)


async def test_a_commit_that_takes_too_long_is_given_up_and_its_batch_valued_again() -> None:
    bench = _Bench(FakeKafka(list(_requests(0, 3))), commit_seconds=0.05)
    bench.kafka.gate = asyncio.Event()
    async with _running(bench):
        await _until(lambda: bench.aborted)
        bench.kafka.gate.set()
        await _all_settled(bench)
    _expect_exactly_once(bench, 3)


async def test_a_fenced_lane_ends_quietly_and_writes_nothing_more() -> None:
    bench = _Bench(FakeKafka(list(_requests(0, 20)), faults=[ProducerFenced()]))
    async with _running(bench) as lane:
        await _until(lambda: lane.state is LaneState.FENCED)
        bench.kafka.publish(*_requests(20, 5))
        await asyncio.sleep(0.05)
    assert bench.jobs == []
    assert bench.fatal == []


async def test_an_heir_fences_a_lane_that_sleeps_in_a_transaction() -> None:
    zombie = _Bench(FakeKafka(list(_requests(0, 5))))
    zombie.kafka.gate = asyncio.Event()
    heir = _Bench(zombie.kafka)
    async with _running(zombie) as lane:
        await _until(lambda: zombie.engine.asked)
        await asyncio.sleep(0.02)
        heirs_lane = heir.lane()
        task = asyncio.create_task(heirs_lane.run())
        await _until(lambda: heir.engine.asked)
        zombie.kafka.gate.set()
        await _until(lambda: lane.state is LaneState.FENCED)
        await _all_settled(heir)
        heirs_lane.drain()
        await task
    assert zombie.counted_jobs == 0
    _expect_exactly_once(heir, 5)


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("ours"), AgentGone("the agent returned"), KafkaError("unheard of")]
)
async def test_an_error_that_nobody_foresaw_ends_the_process(error: Exception) -> None:
    def fail(_batch: Batch) -> None:
        raise error

    bench = _Bench(FakeKafka(list(_requests(0, 5))), before_answer=fail)
    lane = bench.lane()
    async with asyncio.timeout(5):
        await lane.run()
    assert bench.fatal == [error]
    assert bench.jobs == []


async def test_a_batch_whose_answer_is_cancelled_ends_the_process() -> None:
    def cancel(_batch: Batch) -> None:
        raise asyncio.CancelledError

    bench = _Bench(FakeKafka(list(_requests(0, 5))), before_answer=cancel)
    async with asyncio.timeout(5):
        await bench.lane().run()
    assert isinstance(bench.fatal[0], AgentGone)


async def test_too_many_dead_letters_halt_the_lane_before_they_are_written() -> None:
    bench = _Bench(FakeKafka([b"{"] * 30), limits=DeadLetterLimits(12, 100, 10_000))
    async with _running(bench) as lane:
        await _until(lambda: lane.state is LaneState.HALTED)
        assert lane.why == "more than 12 records in a row are no valid requests"
    assert len(bench.kafka.topics.get("dead", [])) <= 12
    assert bench.fatal == []


async def test_garbage_goes_to_the_dead_letters_in_the_transaction_of_its_neighbours() -> None:
    bench = _Bench(FakeKafka([*_requests(0, 2), b"garbage", *_requests(2, 2)]))
    async with _running(bench):
        await _all_settled(bench)
    assert [read_row(row).value for row in bench.kafka.topics["dead"]] == [b"garbage"]
    _expect_exactly_once(bench, 4)


async def test_a_record_that_the_broker_refuses_never_wedges_the_partition() -> None:
    values = [*_requests(0, 2), request_value("BIG", _job(2)), *_requests(3, 2)]
    bench = _Bench(FakeKafka(list(values), refused_above=100_000), engine=FakeEngine(padding={"BIG": 300_000}))
    async with _running(bench):
        await _all_settled(bench)
    _expect_exactly_once(bench, 5)
    rows = map(read_row, bench.kafka.topics["results"])
    big = next(row for row in rows if row.key == _job(2).encode())
    assert orjson.loads(big.value or b"")["failure_reason"] == "processing_exception"


async def test_a_drained_lane_commits_what_it_has_in_hand_and_takes_nothing_more() -> None:
    bench = _Bench(FakeKafka(list(_requests(0, 30))), max_records=5)
    bench.held = asyncio.Event()
    async with _running(bench) as lane:
        await _until(lambda: bench.budget.free < 64)
        lane.drain()
        bench.held.set()
    assert bench.kafka.committed is not None
    assert 0 < bench.kafka.committed <= 10
    _expect_exactly_once(bench, bench.kafka.committed)


async def test_a_cancelled_lane_abandons_its_batch_and_the_next_holder_values_it() -> None:
    bench = _Bench(FakeKafka(list(_requests(0, 10))))
    bench.kafka.gate = asyncio.Event()
    lane = bench.lane()
    task = asyncio.create_task(lane.run())
    await _until(lambda: bench.engine.asked)
    await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.wait({task})
    assert bench.kafka.open_books == 0
    assert bench.budget.free == 64
    bench.kafka.gate.set()
    async with _running(bench):
        await _all_settled(bench)
    _expect_exactly_once(bench, 10)


async def test_a_new_holder_knows_the_jobs_that_were_settled_before_it_came() -> None:
    values = [*_requests(0, 30), *_requests(5, 10)]
    bench = _Bench(FakeKafka(list(values), committed=30))
    async with _running(bench):
        await _all_settled(bench)
    assert bench.jobs == []
    assert sum(outcomes.duplicates for outcomes in bench.counted) == 10


async def test_the_window_reaches_back_as_far_as_it_is_long_and_no_further() -> None:
    values = [*_requests(0, 30), *_requests(20, 10), *_requests(0, 5)]
    bench = _Bench(FakeKafka(list(values), committed=30), memory=Memory(window_size=10))
    async with _running(bench):
        await _all_settled(bench)
    assert bench.jobs == [_job(number) for number in range(5)]


async def test_a_partition_that_comes_back_reads_only_what_it_missed() -> None:
    bench = _Bench(FakeKafka(list(_requests(0, 30))))
    async with _running(bench):
        await _all_settled(bench)
    bench.kafka.feeds.clear()
    bench.kafka.fetched.clear()
    bench.kafka.publish(*_requests(30, 10), *_requests(0, 40))
    bench.kafka.committed = 40
    async with _running(bench):
        await _all_settled(bench)
    assert min(bench.kafka.fetched) == 30
    assert bench.jobs == [_job(number) for number in range(30)], "40 repetitions gave no second result"


async def test_offsets_set_back_by_hand_are_valued_anew() -> None:
    bench = _Bench(FakeKafka(list(_requests(0, 12))))
    async with _running(bench):
        await _all_settled(bench)
    bench.kafka.feeds.clear()
    bench.kafka.committed = 6
    async with _running(bench):
        await _all_settled(bench)
    assert Counter(bench.jobs) == Counter({_job(n): 1 for n in range(6)} | {_job(n): 2 for n in range(6, 12)})


async def test_a_log_that_begins_after_the_committed_offset_is_read_from_its_beginning() -> None:
    bench = _Bench(FakeKafka([*([None] * 10), *_requests(0, 5)], committed=4, beginning=10))
    async with _running(bench):
        await _all_settled(bench)
    _expect_exactly_once(bench, 5)


async def test_a_log_that_ends_before_the_committed_offset_is_another_log() -> None:
    bench = _Bench(FakeKafka(list(_requests(0, 5)), committed=1_000))
    async with _running(bench):
        await _until(lambda: bench.kafka.transactions)
        await _all_settled(bench)
    _expect_exactly_once(bench, 5)
