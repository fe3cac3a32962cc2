"""What every job store promises about batches: each job is counted once, by how it stands."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producer.store.base import BatchCounts, JobRow, JobStore, NewBatch
from producer.store.errors import BadCursor
from tests.unit.store.rows import T0, Jobs, replay, uuid_of, write


def announced(batch_id: str, total: int | None = 3, created_ms: int = T0) -> NewBatch:
    return NewBatch(batch_id, "reappraisal", "BENTON", total, created_ms, b'{"filters":{}}')


async def counts(store: JobStore, batch_id: str) -> BatchCounts:
    found = await store.batch(batch_id)
    assert found is not None
    return found


async def test_a_batch_goes_from_publishing_through_running_to_completed(store: JobStore) -> None:
    jobs = Jobs()
    await store.create_batch(announced("b", total=2))
    assert (await counts(store, "b")).state == "PUBLISHING"
    asked = [jobs.requested(batch_id="b") for _ in range(2)]
    await write(store, asked[0])
    assert ((await counts(store, "b")).published, (await counts(store, "b")).state) == (1, "PUBLISHING")
    await write(store, asked[1])
    assert (await counts(store, "b")).state == "RUNNING"
    await write(store, jobs.ended(uuid_of(asked[0]), batch_id="b", updated_ms=T0 + 50))
    await write(store, jobs.ended(uuid_of(asked[1]), batch_id="b", reason="property_not_found", updated_ms=T0 + 90))
    done = await counts(store, "b")
    assert (done.state, done.published, done.completed, done.failed) == ("COMPLETED", 2, 1, 1)
    assert done.failed_by_reason == {"property_not_found": 1}
    assert (done.first_result_ms, done.updated_ms, done.parameters) == (T0 + 50, T0 + 90, b'{"filters":{}}')


async def test_a_job_is_counted_once_however_often_its_events_come(store: JobStore) -> None:
    jobs = Jobs()
    asked = jobs.requested(batch_id="b")
    ended = jobs.ended(uuid_of(asked), batch_id="b")
    for _ in range(3):
        await replay(store, ended, asked)
    found = await counts(store, "b")
    assert (found.published, found.completed, found.failed) == (1, 1, 0)


async def test_a_later_result_moves_the_job_from_failed_to_completed(store: JobStore) -> None:
    jobs = Jobs()
    failed = jobs.ended(batch_id="b", reason="invalid_request")
    await write(store, failed)
    await write(store, jobs.ended(uuid_of(failed), batch_id="b", updated_ms=T0 + 99))
    found = await counts(store, "b")
    assert (found.published, found.completed, found.failed_by_reason) == (1, 1, {})


async def test_a_batch_nobody_announced_counts_as_far_as_it_is_known(store: JobStore) -> None:
    await write(store, Jobs().requested(batch_id="b"))
    found = await counts(store, "b")
    assert (found.total, found.published, found.state) == (None, 1, "RUNNING")


async def test_a_batch_learns_its_total_from_its_records(store: JobStore) -> None:
    await write(store, Jobs().requested(batch_id="b"), batches=[announced("b", total=5)])
    assert ((await counts(store, "b")).total, (await counts(store, "b")).kind) == (5, "reappraisal")


async def test_announcing_again_keeps_counts_and_parameters(store: JobStore) -> None:
    await store.create_batch(announced("b"))
    await write(store, Jobs().requested(batch_id="b"))
    await store.create_batch(NewBatch("b", "reappraisal", "BENTON", None, T0 + 5))
    found = await counts(store, "b")
    assert (found.published, found.total, found.parameters, found.created_ms) == (1, 3, b'{"filters":{}}', T0)


async def test_cancelling_sticks_unless_the_batch_has_completed(store: JobStore) -> None:
    await store.create_batch(announced("b"))
    await store.create_batch(announced("done", total=0))
    cancelled = await store.cancel_batch("b", now_ms=T0 + 7)
    assert cancelled is not None
    assert (cancelled.state, cancelled.updated_ms) == ("CANCELLED", T0 + 7)
    finished = await store.cancel_batch("done", now_ms=T0 + 7)
    assert finished is not None
    assert finished.state == "COMPLETED"
    assert await store.cancel_batch("unknown", now_ms=T0) is None


async def test_batches_are_listed_newest_first_page_by_page(store: JobStore) -> None:
    for number in range(7):
        await store.create_batch(announced(f"b{number}", created_ms=T0 + number // 2))
    seen: list[str] = []
    cursor = None
    while True:
        page = await store.batches(limit=3, cursor=cursor)
        seen += [batch.batch_id for batch in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == ["b6", "b5", "b4", "b3", "b2", "b1", "b0"]
    with pytest.raises(BadCursor):
        await store.batches(cursor="nonsense")


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_counters_agree_with_the_jobs_after_any_history(store: JobStore, data: st.DataObject) -> None:
    jobs = Jobs()
    batch_id = f"b-{uuid4()}"
    ids = [uuid4() for _ in range(4)]
    latest: dict[bytes, JobRow] = {}
    for _ in range(data.draw(st.integers(1, 4))):
        rows = []
        for _ in range(data.draw(st.integers(1, 5))):
            job_id = data.draw(st.sampled_from(ids))
            reason = data.draw(st.sampled_from(["", None, "insufficient_data"]))
            at = T0 + data.draw(st.integers(0, 3))
            rows.append(
                jobs.requested(job_id, batch_id=batch_id)
                if reason == ""
                else jobs.ended(job_id, batch_id=batch_id, reason=reason, updated_ms=at)
            )
        together = {row.job_id: row for row in rows}
        await replay(store, *together.values())
        for row in together.values():
            known = latest.get(row.job_id)
            if known is None or (row.outcome >= 2 and (known.outcome < 2 or row.updated_ms >= known.updated_ms)):
                latest[row.job_id] = row
    found = await counts(store, batch_id)
    assert found.published == len(latest)
    assert found.completed == sum(row.outcome == 2 for row in latest.values())
    assert found.failed == sum(row.outcome > 2 for row in latest.values())


async def test_batches_of_one_county_are_listed_alone_with_cursors_of_their_own(store: JobStore) -> None:
    for number in range(6):
        county = "KING" if number % 2 else "BENTON"
        await store.create_batch(NewBatch(f"b{number}", "batch", county, 1, T0 + number))
    first = await store.batches(county_id="KING", limit=2)
    assert [batch.batch_id for batch in first.items] == ["b5", "b3"]
    rest = await store.batches(county_id="KING", limit=2, cursor=first.next)
    assert ([batch.batch_id for batch in rest.items], rest.next) == (["b1"], None)
    with pytest.raises(BadCursor):
        await store.batches(county_id="BENTON", cursor=first.next)
