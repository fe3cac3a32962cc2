"""What goes wrong, and what then: Kafka away, the store full or replaced, topics wiped, cut off or grown, kill -9."""

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import orjson
import pytest

from producer.store.base import Changes, JobFilter
from producer.store.errors import StoreUnavailable
from producer.store.sqlite.store import SqliteStore
from producer.view.settings import ViewSettings
from producer.view.view import JobView
from tests.unit.view.conftest import QUICK, running
from tests.unit.view.fakes import RESULTS, TOPICS, Cluster, MemoryLog
from tests.waiting import holds


class FaultyStore(SqliteStore):
    """A store that can be told to be full."""

    full = False
    writes = 0

    async def apply(self, changes: Changes) -> None:
        if self.full:
            raise StoreUnavailable("database or disk is full")
        self.writes += 1
        await super().apply(changes)


async def becomes(view: JobView, *, ready: bool) -> bool:
    async def agrees() -> bool:
        return view.ready is ready

    return await holds(agrees, 10)


async def status(view: JobView, job_id: UUID) -> str | None:
    found = await view.job(job_id)
    return None if found is None else str(orjson.loads(found)["status"])


async def test_the_view_starts_without_kafka_and_is_ready_once_kafka_is_there(cluster: Cluster, path: Path) -> None:
    cluster.away = True
    async with running(cluster, SqliteStore(path), ready=False) as view:
        assert not await view.catch_up(0.05)

        async def said() -> bool:
            return "Kafka is away" in (view.trouble or "")

        assert await holds(said, 10)
        assert not view.ready
        job_id = uuid4()
        cluster.request(job_id)
        cluster.away = False
        assert await becomes(view, ready=True)
        assert await status(view, job_id) == "PENDING"


async def test_the_view_goes_on_where_it_was_when_kafka_comes_back(cluster: Cluster, view: JobView) -> None:
    cluster.away = True
    assert await becomes(view, ready=False)
    job_id = uuid4()
    cluster.request(job_id)
    cluster.away = False
    assert await view.catch_up(10)
    assert await status(view, job_id) == "PENDING"


async def test_a_full_disk_stops_the_view_and_loses_nothing(cluster: Cluster, path: Path) -> None:
    store = FaultyStore(path)
    bounds = ViewSettings(write_interval_s=0.01, rows_held=50)
    async with running(cluster, store, bounds) as view:
        store.full = True
        jobs = [uuid4() for _ in range(400)]
        for job_id in jobs:
            cluster.request(job_id)
            cluster.result(job_id)
            if not cluster.end((RESULTS, 0)) % 40:
                await asyncio.sleep(0)
        assert await becomes(view, ready=False)
        assert "full" in (view.trouble or "")
        store.full = False
        assert await becomes(view, ready=True)
        assert await view.catch_up(5)
        wanted = JobFilter(limit=1000)

        async def all_stored() -> bool:
            return (await view.jobs(wanted)).count == len(jobs)

        assert await holds(all_stored, 5)


@pytest.mark.parametrize("wiped", ["other cluster", "same cluster, topics made anew"])
async def test_a_store_of_other_topics_is_emptied_and_filled_anew(path: Path, wiped: str) -> None:
    before, after = Cluster("one"), Cluster("two" if wiped == "other cluster" else "one")
    old, new = uuid4(), uuid4()
    for _ in range(3):
        before.request(uuid4())
    before.request(old)
    async with running(before, SqliteStore(path)) as view:
        assert await status(view, old) == "PENDING"
    after.request(new)
    async with running(after, SqliteStore(path)) as view:
        assert await status(view, new) == "PENDING"
        assert await status(view, old) is None


async def test_a_position_that_retention_has_overtaken_moves_to_what_is_left(cluster: Cluster, path: Path) -> None:
    kept, lost, left = uuid4(), uuid4(), uuid4()
    cluster.request(kept)
    async with running(cluster, SqliteStore(path)):
        pass
    cluster.request(lost)
    cluster.request(left)
    cluster.starts["t.valuation.requests", 0] = 2
    async with running(cluster, SqliteStore(path)) as view:
        assert [await status(view, job) for job in (kept, lost, left)] == ["PENDING", None, "PENDING"]


async def test_partitions_that_are_added_later_are_followed(cluster: Cluster, view: JobView) -> None:
    cluster.partitions = 4
    job_id = uuid4()
    cluster.request(job_id, partition=3)
    cluster.result(job_id, partition=3)
    assert await view.catch_up(10)

    async def completed() -> bool:
        return await status(view, job_id) == "COMPLETED"

    assert await holds(completed, 5)


async def test_another_process_emptying_the_store_makes_the_view_begin_anew(cluster: Cluster, path: Path) -> None:
    store = SqliteStore(path)
    async with running(cluster, store) as view:
        first = uuid4()
        cluster.request(first)
        await view.jobs(JobFilter())
        await store.reset(cluster.cluster_id)
        second = uuid4()
        cluster.request(second)

        async def both() -> bool:
            return (await view.jobs(JobFilter())).count == 2

        assert await holds(both, 5)


async def test_however_often_the_view_is_killed_the_rows_are_the_same(cluster: Cluster, tmp_path: Path) -> None:
    """Killing is forgetting: tasks are cancelled with nothing flushed, the file is left as it is."""
    jobs = [uuid4() for _ in range(60)]
    killed = tmp_path / "killed.sqlite"
    for number, job_id in enumerate(jobs):
        cluster.request(job_id, partition=number % 2)
        if number % 3:
            cluster.result(job_id, partition=number % 2)
        if number % 10 == 9:
            cluster.request(job_id, partition=number % 2)
            await _run_and_kill(cluster, killed, after_s=0.002 * (number % 7))
    async with running(cluster, SqliteStore(killed)) as view:
        after_kills = await view.jobs(JobFilter(limit=1000), results=True)
    async with running(cluster, SqliteStore(tmp_path / "straight.sqlite")) as view:
        straight = await view.jobs(JobFilter(limit=1000), results=True)
    assert by_id(after_kills.items) == by_id(straight.items)
    assert len(by_id(straight.items)) == len(jobs)


def by_id(items: bytes) -> dict[str, object]:
    return {item["job_id"]: item for item in orjson.loads(items)}


async def _run_and_kill(cluster: Cluster, path: Path, after_s: float) -> None:
    store = SqliteStore(path)
    view = JobView(store, MemoryLog(cluster, at_once=7), TOPICS, QUICK)
    await view.start()
    await asyncio.sleep(after_s)
    for task in view._tasks:
        task.cancel()
    await asyncio.gather(*view._tasks, return_exceptions=True)
    await store.close()
