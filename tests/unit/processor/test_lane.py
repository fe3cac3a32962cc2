"""A lane against a Kafka in memory, in its normal course."""

import asyncio

from processor.batch import Batch
from processor.lanes.lane import LaneState
from processor.lanes.turns import Turns
from tests.fakes import FakeKafka
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


async def test_every_request_gets_one_result_in_its_order() -> None:
    bench = LaneBench(FakeKafka(list(requests(0, 40))))
    async with running(bench) as lane:
        await all_settled(bench)
        bench.kafka.publish(*requests(40, 3))
        await all_settled(bench)
        assert lane.state is LaneState.RUNNING
        assert lane.settled == 43
    assert bench.kafka.epoch == 1, "the lane has started once"
    assert bench.jobs == [job(number) for number in range(43)]
    expect_exactly_once(bench, 43)


async def test_what_is_valued_while_a_transaction_commits_goes_into_the_next_one_together() -> None:
    bench = LaneBench(FakeKafka(list(requests(0, 1))), max_records=100)
    bench.kafka.gate = asyncio.Event()
    async with running(bench):
        await until(lambda: bench.engine.asked)
        for number in range(1, 9):
            bench.kafka.publish(*large_requests(number, 1))
            await until(lambda: len(bench.engine.asked) == number + 1)  # noqa: B023 - awaited here
        bench.kafka.gate.set()
        await all_settled(bench)
    assert bench.kafka.transactions == [1, 9]


async def test_what_comes_meanwhile_gathers_and_is_valued_in_one_batch_when_the_turn_comes() -> None:
    bench = LaneBench(FakeKafka(list(requests(0, 1))), max_records=100)
    bench.turns = Turns(1, 60)
    async with running(bench):
        async with bench.turns.turn():
            await until(lambda: bench.engine.asked)
            for number in range(1, 9):
                bench.kafka.publish(*requests(number, 1))
                await asyncio.sleep(0)
            await asyncio.sleep(0.02)
            assert [len(asked) for asked in bench.engine.asked] == [1]
        await all_settled(bench)
    assert [len(asked) for asked in bench.engine.asked] == [1, 8]
    assert bench.kafka.transactions == [9]
    expect_exactly_once(bench, 9)


async def test_a_turn_is_not_held_up_for_what_takes_long_to_value() -> None:
    bench = LaneBench(FakeKafka(list(requests(0, 1))), max_records=100)
    bench.turns = Turns(1, 60)
    async with running(bench):
        async with bench.turns.turn():
            await until(lambda: bench.engine.asked)
            bench.kafka.publish(*requests(1, 3))
            bench.held = asyncio.Event()
        await until(lambda: bench.kafka.transactions)
        assert bench.kafka.transactions == [1]
        bench.held.set()
        await all_settled(bench)
    assert bench.kafka.transactions == [1, 4]
    expect_exactly_once(bench, 4)


async def test_a_batch_says_where_it_comes_from_and_has_a_number_of_its_own() -> None:
    bench, batches = LaneBench(FakeKafka(list(requests(0, 20)))), list[Batch]()
    bench.before_answer = batches.append
    async with running(bench):
        await all_settled(bench)
    assert {(batch.topic, batch.partition) for batch in batches} == {bench.kafka.partition}
    assert [batch.ticket for batch in batches] == list(range(len(batches)))
    assert len(batches) > 1


async def test_a_lane_values_little_by_little_ahead_but_not_without_bound() -> None:
    bench = LaneBench(FakeKafka(list(large_requests(0, 1))), max_records=10)
    bench.kafka.gate = asyncio.Event()
    async with running(bench):
        for number in range(1, 30):
            bench.kafka.publish(*large_requests(number, 1))
            await until(lambda: len(bench.engine.asked) == min(number + 1, 10))  # noqa: B023 - awaited here
        await asyncio.sleep(0.02)
        assert len(bench.engine.asked) == 10
        bench.kafka.gate.set()
        await all_settled(bench)
    expect_exactly_once(bench, 30)


async def test_a_lane_values_ahead_but_not_without_bound() -> None:
    bench = LaneBench(FakeKafka(list(large_requests(0, 60))), max_records=10)
    bench.kafka.gate = asyncio.Event()
    async with running(bench):
        await until(lambda: sum(len(asked) for asked in bench.engine.asked) >= 15)
        await asyncio.sleep(0.05)
        assert sum(len(asked) for asked in bench.engine.asked) <= 30
        bench.kafka.gate.set()
        await all_settled(bench)
    expect_exactly_once(bench, 60)
