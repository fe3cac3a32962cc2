"""The live feed: everything that is committed, once, in order, to those who want it; slow listeners harm nobody."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.store.sqlite.store import SqliteStore
from producer.view.decoding import result_row
from producer.view.errors import BadEventId, SlowListener
from producer.view.eventid import EventIds
from producer.view.feed import GROUP_KEPT, KEPT, Feed
from producer.view.live import LiveFilter, LiveResult, Subscription
from producer.view.view import JobView
from tests.unit.view.conftest import running
from tests.unit.view.fakes import RESULTS, T0, Cluster, FakeRecord, completed
from tests.waiting import holds

IDS = EventIds("cluster", "results")


async def take(listener: Subscription, count: int) -> list[LiveResult]:
    taken: list[LiveResult] = []
    async with asyncio.timeout(10):
        while len(taken) < count:
            taken += await listener.take(1)
    assert len(taken) == count
    return taken


def jobs_of(results: Sequence[LiveResult]) -> list[str]:
    return [orjson.loads(result.data)["job_id"] for result in results]


def publish(cluster: Cluster, count: int, *, partition: int = 0) -> list[str]:
    jobs = [uuid4() for _ in range(count)]
    for job_id in jobs:
        cluster.result(job_id, partition=partition)
    return [str(job_id) for job_id in jobs]


async def test_a_listener_gets_what_is_committed_from_now_on(cluster: Cluster, view: JobView) -> None:
    before = publish(cluster, 1)
    with view.expect(UUID(before[0])) as seen:
        await seen.wait(0.2)
    async with view.subscribe(LiveFilter()) as listener:
        assert await listener.take(0.01) == []
        jobs = publish(cluster, 5)
        taken = await take(listener, 5)
    assert jobs_of(taken) == jobs
    assert taken[0].frame.startswith(b"id: ")
    assert taken[0].frame.endswith(b"\n\n")
    assert taken[0].frame.count(b"\n") == 3


@pytest.mark.parametrize("wanted", ["county", "batch", "job", "county and job"])
async def test_a_filter_lets_through_what_it_names(cluster: Cluster, view: JobView, wanted: str) -> None:
    job_id = uuid4()
    filters = {
        "county": LiveFilter(county_id="KING"),
        "batch": LiveFilter(batch_id="b1"),
        "job": LiveFilter(job_id=str(job_id)),
        "county and job": LiveFilter(county_id="KING", job_id=str(job_id)),
    }
    async with view.subscribe(filters[wanted]) as listener, view.subscribe(LiveFilter()) as everything:
        publish(cluster, 2)
        cluster.append(RESULTS, completed(job_id, county_id="KING", batch_id="b1"))
        publish(cluster, 2)
        assert len(await take(everything, 5)) == 5
        assert jobs_of(await take(listener, 1)) == [str(job_id)]
        assert await listener.take(0) == []


async def test_a_listener_resumes_after_the_last_id_it_got(cluster: Cluster, view: JobView) -> None:
    async with view.subscribe(LiveFilter()) as listener:
        jobs = publish(cluster, 6)
        taken = await take(listener, 6)
    more = publish(cluster, 3)
    async with view.subscribe(LiveFilter(), taken[3].id) as again:
        assert jobs_of(await take(again, 5)) == jobs[4:] + more


async def test_an_idle_listener_has_an_id_to_resume_from_that_skips_what_it_does_not_want(
    cluster: Cluster, view: JobView
) -> None:
    async with view.subscribe(LiveFilter(county_id="KING")) as listener, view.subscribe(LiveFilter()) as everything:
        publish(cluster, 50)
        await take(everything, 50)
        assert await listener.take(0) == []
        assert ids_of(cluster).read(listener.id) == [50, 0]


def ids_of(cluster: Cluster) -> EventIds:
    return EventIds(cluster.cluster_id, RESULTS)


async def test_resuming_far_back_reads_the_topic_and_joins_the_live_results_without_a_gap(
    cluster: Cluster, path: Path
) -> None:
    before = publish(cluster, 40) + publish(cluster, 25, partition=1)
    beginning = ids_of(cluster).write([0, 0])
    async with running(cluster, SqliteStore(path)):
        pass
    async with running(cluster, SqliteStore(path)) as view, view.subscribe(LiveFilter(), beginning) as listener:
        first = await listener.take(5)
        during = publish(cluster, 10)
        rest = await take(listener, len(before) + 10 - len(first))
        assert sorted(jobs_of([*first, *rest])) == sorted(before + during)
        after = publish(cluster, 2, partition=1)
        assert jobs_of(await take(listener, 2)) == after


@given(cut=st.lists(st.integers(0, 30), min_size=1, max_size=5), pattern=st.lists(st.integers(0, 1), max_size=30))
async def test_however_often_a_listener_leaves_and_resumes_it_gets_each_result_once(
    cut: list[int], pattern: list[int]
) -> None:
    feed = Feed()
    feed.begin(IDS, {0: 0, 1: 0})
    offsets = [0, 0]
    seen: list[tuple[int, int]] = []
    last = IDS.write([0, 0])
    for partition in pattern:
        put(feed, partition, offsets[partition])
        offsets[partition] += 1
    for number in cut:
        results = list(feed.recent(LiveFilter(), IDS.read(last)))[:number]
        seen += [(result.partition, result.offset) for result in results]
        last = results[-1].id if results else last
    seen += [(result.partition, result.offset) for result in feed.recent(LiveFilter(), IDS.read(last))]
    assert sorted(seen) == sorted((place, at) for place in (0, 1) for at in range(offsets[place]))
    assert len(seen) == len(set(seen))


def put(feed: Feed, partition: int, offset: int) -> None:
    value = completed(uuid4())
    row = result_row(FakeRecord(RESULTS, partition, offset, T0, None, value))
    assert row is not None
    feed.put(row, value)


async def test_a_gateway_that_is_behind_does_not_repeat_what_the_listener_has(cluster: Cluster, path: Path) -> None:
    """After a crash the store, and so the feed, may begin before what a listener has already got."""
    cluster.frozen = True
    jobs = publish(cluster, 6)
    async with running(cluster, SqliteStore(path), ready=False) as view:

        async def behind() -> bool:
            return "behind" in (view.trouble or "")

        assert await holds(behind, 5)
        async with view.subscribe(LiveFilter(), ids_of(cluster).write([4, 0])) as listener:
            assert await listener.take(0.01) == []
            cluster.frozen = False
            cluster.more.set()
            taken = await take(listener, 2)
            assert jobs_of(taken) == jobs[4:]
            assert ids_of(cluster).read(taken[0].id) == [5, 0]


async def test_a_slow_listener_is_cut_off_and_others_are_not(cluster: Cluster, view: JobView) -> None:
    async with view.subscribe(LiveFilter()) as slow, view.subscribe(LiveFilter(county_id="BENTON")) as quick:
        await slow.take(0)
        taken = 0
        for _ in range(4):
            publish(cluster, GROUP_KEPT // 2)
            taken += len(await take(quick, GROUP_KEPT // 2))
        with pytest.raises(SlowListener):
            await slow.take(1)
        assert taken == 2 * GROUP_KEPT


async def test_a_thousand_listeners_all_get_everything(cluster: Cluster, view: JobView) -> None:
    async def listen() -> list[str]:
        async with view.subscribe(LiveFilter()) as listener:
            started.release()
            return jobs_of(await take(listener, 20))

    started = asyncio.Semaphore(0)
    listening = [asyncio.create_task(listen()) for _ in range(1000)]
    for _ in listening:
        await started.acquire()
    jobs = publish(cluster, 20)
    assert all(got == jobs for got in await asyncio.gather(*listening))
    assert view.listeners == 0


async def test_memory_stays_bounded_however_much_passes(cluster: Cluster, view: JobView) -> None:
    async with view.subscribe(LiveFilter()) as listener:
        for _ in range(3):
            publish(cluster, KEPT // 2)
            await take(listener, KEPT // 2)
        assert len(view._feed._kept) == KEPT


@pytest.mark.parametrize("wrong", ["", "x", "nonsense", "A" * 40, "é", IDS.write([5, 0])])
async def test_an_id_of_another_feed_is_refused(view: JobView, wrong: str) -> None:
    with pytest.raises(BadEventId):
        async with view.subscribe(LiveFilter(), wrong):
            pass


@given(st.lists(st.integers(0, 1 << 40), min_size=1, max_size=40))
def test_event_ids_say_what_was_written(positions: list[int]) -> None:
    assert IDS.read(IDS.write(positions)) == positions


@given(st.text(max_size=40))
def test_no_text_that_was_not_given_out_is_an_id(text: str) -> None:
    with pytest.raises(BadEventId):
        IDS.read(text)
