"""What every job store promises about pruning: old bodies go first, the jobs stay honest, writes go on between."""

import random

import orjson

from producer.store.base import JobFilter, JobStore, KeyRow, Pruned, Retention
from tests.unit.store.rows import T0, Jobs, uuid_of, write

DAY = 86_400_000


async def all_pruned(store: JobStore, retention: Retention, now_ms: int) -> Pruned:
    results = jobs = 0
    while True:
        gone = await store.prune(retention, now_ms=now_ms)
        results += gone.results
        jobs += gone.jobs
        if not gone.more:
            return Pruned(results, jobs)


async def test_nothing_within_retention_is_pruned(store: JobStore) -> None:
    row = Jobs().ended()
    await write(store, row)
    assert await all_pruned(store, Retention(), T0 + DAY) == Pruned()
    assert orjson.loads(await store.result(uuid_of(row)) or b"")["result"] is not None


async def test_an_old_body_goes_and_its_job_says_so_honestly(store: JobStore) -> None:
    jobs = Jobs()
    old, young = jobs.ended(), jobs.ended(created_ms=T0 + 20 * DAY)
    await write(store, old)
    await write(store, young)
    assert (await all_pruned(store, Retention(), T0 + 31 * DAY)).results == 1
    assert await store.job(uuid_of(old)) == old.job
    assert orjson.loads(await store.result(uuid_of(old)) or b"") == {**orjson.loads(old.job), "result": None}
    assert orjson.loads(await store.result(uuid_of(young)) or b"")["result"] is not None
    listed = orjson.loads((await store.jobs(JobFilter(), results=True)).items)
    assert [item["result"] is None for item in listed] == [False, True]


async def test_bodies_go_oldest_first_until_the_rest_fits(store: JobStore) -> None:
    jobs = Jobs()
    rows = [jobs.ended(created_ms=T0 + n, result=orjson.dumps({"n": n, "x": _noise(n)})) for n in range(300)]
    for first in range(0, 300, 10):
        await write(store, *rows[first : first + 10])
    pruned = await all_pruned(store, Retention(result_bytes=100_000), T0)
    assert 0 < pruned.results < 300
    kept = [orjson.loads(await store.result(uuid_of(row)) or b"")["result"] is not None for row in rows]
    assert kept == sorted(kept)
    assert kept[-1]
    assert await all_pruned(store, Retention(result_bytes=100_000), T0) == Pruned()


def _noise(seed: int) -> str:
    return random.Random(seed).randbytes(1000).hex()  # noqa: S311 - test data


async def test_pruning_works_in_steps_and_writes_go_on_between(store: JobStore) -> None:
    jobs = Jobs()
    for _ in range(5):
        await write(store, *(jobs.ended() for _ in range(500)))
    steps = 0
    while (await store.prune(Retention(job_age_ms=DAY), now_ms=T0 + 60 * DAY)).more:
        steps += 1
        young = jobs.ended(created_ms=T0 + 60 * DAY)
        await write(store, young)
    assert steps > 1
    assert (await store.jobs(JobFilter(limit=1000))).count == steps


async def test_old_jobs_go_with_their_keys(store: JobStore) -> None:
    jobs = Jobs()
    old, young = jobs.ended(), jobs.requested(created_ms=T0 + 500 * DAY)
    keys = [KeyRow(row.job_id, row.job_id, b"print", row.created_ms) for row in (old, young)]
    await write(store, old, young, keys=keys)
    assert (await all_pruned(store, Retention(), T0 + 501 * DAY)).jobs == 1
    assert await store.job(uuid_of(old)) is None
    assert await store.job(uuid_of(young)) == young.job
    assert await store.idempotency(uuid_of(old)) is None
    assert await store.idempotency(uuid_of(young)) is not None


async def test_results_after_pruning_everything_keep_their_own_bodies(store: JobStore) -> None:
    jobs = Jobs()
    old = jobs.ended(result=b'{"old":1}')
    await write(store, old)
    await all_pruned(store, Retention(), T0 + 40 * DAY)
    young = jobs.ended(created_ms=T0 + 40 * DAY, result=b'{"young":1}')
    await write(store, young)
    assert orjson.loads(await store.result(uuid_of(old)) or b"")["result"] is None
    assert orjson.loads(await store.result(uuid_of(young)) or b"")["result"] == {"young": 1}
