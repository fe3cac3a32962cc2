"""A lane against a Kafka in memory: every row of "What goes wrong" that does not need a real one."""

import asyncio

import orjson
import pytest
from aiokafka.errors import (
    CoordinatorNotAvailableError,
    InvalidTxnState,
    KafkaError,
    ProducerFenced,
    RequestTimedOutError,
)

from processor.batch import Batch
from processor.errors import AgentGone
from processor.lanes.lane import LaneState
from processor.lanes.limits import DeadLetterLimits
from tests.fakes import FakeEngine, FakeKafka, request_value
from tests.rows import read_row
from tests.unit.processor.lane_bench import (
    LaneBench,
    all_settled,
    expect_exactly_once,
    job,
    large_requests,
    requests,
    running,
    until,
)


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
    bench = LaneBench(FakeKafka(list(requests(0, 20)), faults=[error, error]))
    async with running(bench):
        await all_settled(bench)
    expect_exactly_once(bench, 20)
    assert bench.aborted == [type(error).__name__] * 2
    assert bench.kafka.epoch == 3, "a fresh producer each time"


async def test_a_cancellation_that_leaks_out_of_a_broken_connection_ends_nothing() -> None:
    bench = LaneBench(FakeKafka(list(requests(0, 20)), faults=[asyncio.CancelledError()]))
    async with running(bench):
        await all_settled(bench)
    expect_exactly_once(bench, 20)


async def test_an_error_that_aiokafka_wrapped_counts_by_its_cause() -> None:
    wrapped = KafkaError("Unexpected error during batch delivery")
    wrapped.__cause__ = InvalidTxnState()
    bench = LaneBench(FakeKafka(list(requests(0, 5)), faults=[wrapped]))
    async with running(bench):
        await all_settled(bench)
    expect_exactly_once(bench, 5)


async def test_a_commit_in_doubt_that_did_commit_is_neither_repeated_nor_left_uncounted() -> None:
    bench = LaneBench(FakeKafka(list(requests(0, 20)), doubts=[RequestTimedOutError(), ConnectionError()]))
    async with running(bench):
        await all_settled(bench)
    expect_exactly_once(bench, 20)


async def test_a_commit_that_takes_too_long_is_given_up_and_its_batch_valued_again() -> None:
    bench = LaneBench(FakeKafka(list(requests(0, 3))), commit_seconds=0.05)
    bench.kafka.gate = asyncio.Event()
    async with running(bench):
        await until(lambda: bench.aborted)
        bench.kafka.gate.set()
        await all_settled(bench)
    expect_exactly_once(bench, 3)


async def test_a_start_that_takes_too_long_is_given_up_and_tried_anew() -> None:
    bench = LaneBench(FakeKafka(list(requests(0, 3))), commit_seconds=0.05)
    bench.kafka.silent_starts = 2
    async with running(bench):
        await all_settled(bench)
    assert bench.aborted == ["TimeoutError"] * 2
    expect_exactly_once(bench, 3)


async def test_a_fenced_lane_ends_quietly_and_writes_nothing_more() -> None:
    bench = LaneBench(FakeKafka(list(requests(0, 20)), faults=[ProducerFenced()]))
    async with running(bench) as lane:
        await until(lambda: lane.state is LaneState.FENCED)
        bench.kafka.publish(*requests(20, 5))
        await asyncio.sleep(0.05)
    assert bench.jobs == []
    assert bench.fatal == []


async def test_an_heir_fences_a_lane_that_sleeps_in_a_transaction() -> None:
    zombie = LaneBench(FakeKafka(list(requests(0, 5))))
    zombie.kafka.gate = asyncio.Event()
    heir = LaneBench(zombie.kafka)
    async with running(zombie) as lane:
        await until(lambda: zombie.engine.asked)
        await asyncio.sleep(0.02)
        heirs_lane = heir.lane()
        task = asyncio.create_task(heirs_lane.run())
        await until(lambda: heir.engine.asked)
        zombie.kafka.gate.set()
        await until(lambda: lane.state is LaneState.FENCED)
        await all_settled(heir)
        heirs_lane.drain()
        await task
    assert zombie.counted_jobs == 0
    expect_exactly_once(heir, 5)


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("ours"), AgentGone("the agent returned"), KafkaError("unheard of")]
)
async def test_an_error_that_nobody_foresaw_ends_the_process(error: Exception) -> None:
    def fail(_batch: Batch) -> None:
        raise error

    bench = LaneBench(FakeKafka(list(requests(0, 5))), before_answer=fail)
    lane = bench.lane()
    async with asyncio.timeout(5):
        await lane.run()
    assert bench.fatal == [error]
    assert bench.jobs == []


async def test_an_error_waits_for_what_was_valued_before_it_and_is_not_forgotten() -> None:
    error = ValueError("unforeseen")
    bench = LaneBench(FakeKafka(list(requests(0, 1))), max_records=100)
    gate = bench.kafka.gate = asyncio.Event()

    def fail_the_third(_batch: Batch) -> None:
        if len(bench.engine.asked) == 2 and not gate.is_set():
            gate.set()
            raise error

    bench.before_answer = fail_the_third
    lane = bench.lane()
    task = asyncio.create_task(lane.run())
    for number in (1, 2):
        await until(lambda: len(bench.engine.asked) == number)  # noqa: B023 - awaited here
        bench.kafka.publish(*large_requests(number, 1))
    async with asyncio.timeout(5):
        await task
    assert bench.fatal == [error]
    assert bench.jobs == [job(0), job(1)]


async def test_a_batch_whose_answer_is_cancelled_ends_the_process() -> None:
    def cancel(_batch: Batch) -> None:
        raise asyncio.CancelledError

    bench = LaneBench(FakeKafka(list(requests(0, 5))), before_answer=cancel)
    async with asyncio.timeout(5):
        await bench.lane().run()
    assert isinstance(bench.fatal[0], AgentGone)


async def test_too_many_dead_letters_halt_the_lane_before_they_are_written() -> None:
    bench = LaneBench(FakeKafka([b"{"] * 30), limits=DeadLetterLimits(12, 100, 10_000))
    async with running(bench) as lane:
        await until(lambda: lane.state is LaneState.HALTED)
        assert lane.why == "more than 12 records in a row are no valid requests"
    assert len(bench.kafka.topics.get("dead", [])) <= 12
    assert bench.fatal == []


async def test_garbage_goes_to_the_dead_letters_in_the_transaction_of_its_neighbours() -> None:
    bench = LaneBench(FakeKafka([*requests(0, 2), b"garbage", *requests(2, 2)]))
    async with running(bench):
        await all_settled(bench)
    assert [read_row(row).value for row in bench.kafka.topics["dead"]] == [b"garbage"]
    expect_exactly_once(bench, 4)


async def test_a_record_that_the_broker_refuses_never_wedges_the_partition() -> None:
    values = [*requests(0, 2), request_value("BIG", job(2)), *requests(3, 2)]
    bench = LaneBench(FakeKafka(list(values), refused_above=100_000), engine=FakeEngine(padding={"BIG": 300_000}))
    async with running(bench):
        await all_settled(bench)
    expect_exactly_once(bench, 5)
    rows = map(read_row, bench.kafka.topics["results"])
    big = next(row for row in rows if row.key == job(2).encode())
    assert orjson.loads(big.value or b"")["failure_reason"] == "processing_exception"
