"""What the gateway relies on: jobs appear, results arrive where they are waited for, nothing is lost or doubled."""

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import orjson

from producer.headers import BatchNote, batch_header, idempotency_headers
from producer.store.base import JobFilter
from producer.store.sqlite.store import SqliteStore
from producer.view.settings import ViewSettings
from producer.view.view import JobView
from schemas.codec import derived_job_id, encode_request
from schemas.reasons import FailureReason
from tests.unit.view.conftest import running
from tests.unit.view.fakes import REQUESTS, RESULTS, Cluster, completed, request_of
from tests.waiting import holds

SLOW = ViewSettings(write_interval_s=30.0, listing_waits_s=5.0)
JOB_FIELDS = {
    "job_id", "property_id", "county_id", "status", "message", "created_at", "updated_at", "started_at",
    "completed_at", "failure_reason", "batch_id", "valuation_method_hint",
}  # fmt: skip


async def status(view: JobView, job_id: UUID) -> str | None:
    found = await view.job(job_id)
    return None if found is None else str(orjson.loads(found)["status"])


async def ends_as(view: JobView, job_id: UUID, wanted: str) -> bool:
    async def reached() -> bool:
        return await status(view, job_id) == wanted

    return await holds(reached, 5)


async def test_a_request_is_a_pending_job_with_every_field_of_the_job_object(cluster: Cluster, view: JobView) -> None:
    job_id = uuid4()
    cluster.request(job_id)
    assert await view.catch_up(5)
    job = orjson.loads(await view.job(job_id) or b"")
    assert set(job) == JOB_FIELDS
    assert (job["status"], job["message"]) == ("PENDING", "Valuation job accepted and queued.")
    assert (job["created_at"], job["started_at"], job["completed_at"]) == ("2026-01-01T00:00:00.000Z", None, None)
    assert orjson.loads(await view.result(job_id) or b"") == {**job, "result": None}


async def test_a_request_without_key_and_job_id_is_found_under_its_derived_id(cluster: Cluster, view: JobView) -> None:
    record = cluster.append(REQUESTS, b'{"property_id":"PROP123","county_id":"benton_wa"}', partition=1)
    assert await view.catch_up(5)
    job = orjson.loads(await view.job(UUID(derived_job_id(REQUESTS, 1, record.offset))) or b"")
    assert (job["county_id"], job["status"]) == ("BENTON", "PENDING")


async def test_dead_letters_are_no_jobs_and_stop_nothing(cluster: Cluster, view: JobView) -> None:
    for garbage in (b"not json", None, b"[]", b'{"property_id":1}'):
        cluster.append(REQUESTS, garbage)
        cluster.append(RESULTS, garbage)
    job_id = uuid4()
    cluster.request(job_id)
    assert await view.catch_up(5)
    assert await status(view, job_id) == "PENDING"
    assert (await view.jobs(JobFilter())).count == 1


async def test_a_failed_dead_letter_ends_a_job_whose_request_nobody_could_read(cluster: Cluster, view: JobView) -> None:
    job_id = uuid4()
    cluster.append(REQUESTS, b'{"job_id":"%b","property_id":7}' % str(job_id).encode())
    cluster.failure(job_id, FailureReason.INVALID_REQUEST)
    assert await ends_as(view, job_id, "FAILED")


async def test_a_result_is_visible_to_readers_when_its_waiter_has_it(cluster: Cluster, view: JobView) -> None:
    job_id = uuid4()
    with view.expect(job_id) as awaited:
        cluster.request(job_id)
        record = cluster.result(job_id)
        found = await awaited.wait(5)
    assert found == record.value
    assert await view.result(job_id) == found
    assert await status(view, job_id) == "COMPLETED"


async def test_a_result_read_from_the_store_is_the_event_byte_for_byte(cluster: Cluster, path: Path) -> None:
    job_id = uuid4()
    record = cluster.result(job_id)
    async with running(cluster, SqliteStore(path)):
        pass
    store = SqliteStore(path)
    await store.open()
    assert await store.result(job_id) == record.value
    await store.close()


async def test_two_waiters_for_one_job_both_get_its_result(cluster: Cluster, view: JobView) -> None:
    job_id = uuid4()
    with view.expect(job_id) as one, view.expect(job_id) as other:
        cluster.result(job_id)
        assert await one.wait(5) == await other.wait(5) is not None


async def test_waiting_ends_when_time_is_up(view: JobView) -> None:
    with view.expect(uuid4()) as awaited:
        assert await awaited.wait(0.01) is None


async def test_a_duplicate_request_does_not_hide_the_result_that_is_stored(cluster: Cluster, view: JobView) -> None:
    job_id = uuid4()
    cluster.request(job_id)
    cluster.result(job_id)
    assert await ends_as(view, job_id, "COMPLETED")
    await view.jobs(JobFilter())
    cluster.request(job_id)
    assert await view.catch_up(5)
    assert await status(view, job_id) == "COMPLETED"
    await view.jobs(JobFilter())
    assert await status(view, job_id) == "COMPLETED"


async def test_rows_that_are_not_yet_written_are_read_and_a_listing_has_them_written(
    cluster: Cluster, path: Path
) -> None:
    async with running(cluster, SqliteStore(path), SLOW) as view:
        job_id = uuid4()
        cluster.request(job_id)
        assert await view.catch_up(5)
        assert await status(view, job_id) == "PENDING"
        async with asyncio.timeout(5):
            assert (await view.jobs(JobFilter())).count == 1


async def test_an_idempotency_key_is_known_from_the_record_before_and_after_it_is_written(
    cluster: Cluster, path: Path
) -> None:
    job_id, key = uuid4(), uuid4()
    async with running(cluster, SqliteStore(path), SLOW) as view:
        cluster.request(job_id, headers=idempotency_headers(key, b"\x01\x02"))
        assert await view.catch_up(5)
        assert await view.idempotency(key) == (job_id, b"\x01\x02")
        await view.jobs(JobFilter())
        assert await view.idempotency(key) == (job_id, b"\x01\x02")
        assert await view.idempotency(uuid4()) is None


async def test_batches_are_known_from_their_records_alone(cluster: Cluster, view: JobView) -> None:
    note = BatchNote("b1", "reappraisal", "BENTON", 2, 5)
    first, second = uuid4(), uuid4()
    for job_id in (first, second):
        value = encode_request(request_of(job_id, batch_id="b1"), valuation_date=None)
        cluster.append(REQUESTS, value, headers=[batch_header(note)])
    cluster.append(RESULTS, completed(first, batch_id="b1"))
    assert await ends_as(view, first, "COMPLETED")
    batch = await view.batch("b1")
    assert batch is not None
    assert (batch.total, batch.kind, batch.published, batch.completed, batch.state) == (
        2,
        "reappraisal",
        2,
        1,
        "RUNNING",
    )


async def test_a_job_from_the_far_future_does_not_head_the_listing_for_ever(cluster: Cluster, view: JobView) -> None:
    value = b'{"property_id":"LIAR","county_id":"BENTON","created_at":"2999-01-01T00:00:00Z"}'
    cluster.append(REQUESTS, value)
    assert await view.catch_up(5)
    assert (await view.jobs(JobFilter(created_after_ms=1_800_000_000_000))).count == 0
    assert (await view.jobs(JobFilter(property_id="LIAR"))).count == 1
