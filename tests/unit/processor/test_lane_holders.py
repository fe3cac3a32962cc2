"""A partition that is let go, taken over or comes back: what is settled stays settled, the rest is valued."""

import asyncio
from collections import Counter

from aiokafka.errors import RequestTimedOutError

from processor.lanes.history import Memory
from tests.fakes import FakeKafka
from tests.unit.processor.lane_bench import LaneBench, all_settled, expect_exactly_once, job, requests, running, until


async def test_a_drained_lane_commits_what_it_has_in_hand_and_takes_nothing_more() -> None:
    bench = LaneBench(FakeKafka(list(requests(0, 30))), max_records=5)
    bench.held = asyncio.Event()
    async with running(bench) as lane:
        await until(lambda: bench.budget.free < 64)
        lane.drain()
        bench.held.set()
    assert bench.kafka.committed is not None
    assert 0 < bench.kafka.committed <= 10
    expect_exactly_once(bench, bench.kafka.committed)


async def test_a_cancelled_lane_abandons_its_batch_and_the_next_holder_values_it() -> None:
    bench = LaneBench(FakeKafka(list(requests(0, 10))))
    bench.kafka.gate = asyncio.Event()
    lane = bench.lane()
    task = asyncio.create_task(lane.run())
    await until(lambda: bench.engine.asked)
    await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.wait({task})
    assert bench.kafka.open_books == 0
    assert bench.budget.free == 64
    bench.kafka.gate.set()
    async with running(bench):
        await all_settled(bench)
    expect_exactly_once(bench, 10)


async def test_a_new_holder_knows_the_jobs_that_were_settled_before_it_came() -> None:
    values = [*requests(0, 30), *requests(5, 10)]
    bench = LaneBench(FakeKafka(list(values), committed=30))
    async with running(bench):
        await all_settled(bench)
    assert bench.jobs == []
    assert sum(outcomes.duplicates for outcomes in bench.counted) == 10


async def test_the_window_reaches_back_as_far_as_it_is_long_and_no_further() -> None:
    values = [*requests(0, 30), *requests(20, 10), *requests(0, 5)]
    bench = LaneBench(FakeKafka(list(values), committed=30), memory=Memory(window_size=10))
    async with running(bench):
        await all_settled(bench)
    assert bench.jobs == [job(number) for number in range(5)]


async def test_a_partition_that_comes_back_reads_only_what_it_missed() -> None:
    bench = LaneBench(FakeKafka(list(requests(0, 30))))
    async with running(bench):
        await all_settled(bench)
    bench.kafka.feeds.clear()
    bench.kafka.fetched.clear()
    bench.kafka.publish(*requests(30, 10), *requests(0, 40))
    bench.kafka.committed = 40
    async with running(bench):
        await all_settled(bench)
    assert min(bench.kafka.fetched) == 30
    assert bench.jobs == [job(number) for number in range(30)], "40 repetitions gave no second result"


async def test_offsets_set_back_by_hand_are_valued_anew() -> None:
    bench = LaneBench(FakeKafka(list(requests(0, 12))))
    async with running(bench):
        await all_settled(bench)
    bench.kafka.feeds.clear()
    bench.kafka.committed = 6
    async with running(bench):
        await all_settled(bench)
    assert Counter(bench.jobs) == Counter({job(n): 1 for n in range(6)} | {job(n): 2 for n in range(6, 12)})


async def test_a_log_that_begins_after_the_committed_offset_is_read_from_its_beginning() -> None:
    bench = LaneBench(FakeKafka([*([None] * 10), *requests(0, 5)], committed=4, beginning=10))
    async with running(bench):
        await all_settled(bench)
    expect_exactly_once(bench, 5)


async def test_a_log_that_ends_before_the_committed_offset_is_another_log() -> None:
    bench = LaneBench(FakeKafka(list(requests(0, 5)), committed=1_000))
    async with running(bench):
        await until(lambda: bench.kafka.transactions)
        await all_settled(bench)
    expect_exactly_once(bench, 5)


async def test_an_heirs_commit_up_to_the_same_offset_is_not_taken_for_ones_own_that_was_in_doubt() -> None:
    kafka = FakeKafka(list(requests(0, 3)), faults=[RequestTimedOutError() for _ in range(50)])
    first, heir = LaneBench(kafka), LaneBench(kafka)
    task = asyncio.create_task(first.lane().run())
    await until(lambda: first.aborted)
    task.cancel()
    await asyncio.wait({task})
    assert first.memory.doubt is not None
    kafka.faults.clear()
    async with running(heir):
        await all_settled(heir)
    kafka.feeds.clear()
    async with running(first):
        kafka.publish(*requests(3, 1))
        await all_settled(first)
    assert (first.counted_jobs, heir.counted_jobs) == (1, 3)
