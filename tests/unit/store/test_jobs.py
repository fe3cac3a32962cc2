"""What every job store promises about one job."""

from uuid import uuid4

import orjson
import pytest

from producer.store.base import Changes, JobStore, KeyRow
from producer.store.errors import StoreReplaced
from tests.unit.store.rows import REQUESTS, RESULTS, T0, Jobs, replay, uuid_of, write


async def status(store: JobStore, job_id: object) -> str | None:
    found = await store.job(job_id)  # type: ignore[arg-type]
    return None if found is None else str(orjson.loads(found)["status"])


async def test_an_unknown_job_is_none(store: JobStore) -> None:
    assert await store.job(uuid4()) is None
    assert await store.result(uuid4()) is None


async def test_a_requested_job_is_pending_and_has_no_result(store: JobStore) -> None:
    row = Jobs().requested()
    await write(store, row)
    assert await store.job(uuid_of(row)) == row.job
    assert orjson.loads(await store.result(uuid_of(row)) or b"") == {**orjson.loads(row.job), "result": None}


async def test_a_result_ends_its_job_and_brings_its_body_byte_for_byte(store: JobStore) -> None:
    jobs = Jobs()
    asked = jobs.requested()
    ended = jobs.ended(uuid_of(asked), result=b'{"estimated_value":1.50,"notice":"\xc3\xa9"}')
    await write(store, asked)
    await write(store, ended)
    assert await store.job(uuid_of(asked)) == ended.job
    assert await store.result(uuid_of(asked)) == ended.job[:-1] + b',"result":' + (ended.result or b"") + b"}"


async def test_a_result_before_its_request_is_not_reset_by_it(store: JobStore) -> None:
    jobs = Jobs()
    ended = jobs.ended()
    await write(store, ended)
    await write(store, jobs.requested(uuid_of(ended)))
    assert await status(store, uuid_of(ended)) == "COMPLETED"


async def test_a_request_published_twice_changes_nothing(store: JobStore) -> None:
    jobs = Jobs()
    first = jobs.requested()
    await write(store, first)
    await write(store, jobs.requested(uuid_of(first), created_ms=T0 + 9, property_id="OTHER"))
    assert await store.job(uuid_of(first)) == first.job


async def test_a_failure_of_an_unknown_request_makes_the_job(store: JobStore) -> None:
    ended = Jobs().ended(reason="invalid_request")
    await write(store, ended)
    assert await status(store, uuid_of(ended)) == "FAILED"


async def test_of_two_results_the_later_one_stands_whichever_comes_first(store: JobStore) -> None:
    jobs = Jobs()
    early = jobs.ended(updated_ms=T0 + 10, reason="invalid_request")
    late = jobs.ended(uuid_of(early), updated_ms=T0 + 20)
    await write(store, early, late)
    assert await status(store, uuid_of(early)) == "COMPLETED"
    await replay(store, early)
    assert await status(store, uuid_of(early)) == "COMPLETED"


async def test_writing_the_same_events_again_changes_nothing(store: JobStore) -> None:
    jobs = Jobs()
    asked = jobs.requested()
    rows = [asked, jobs.ended(uuid_of(asked)), jobs.ended(reason="property_not_found")]
    await write(store, *rows)
    before = [await store.result(uuid_of(row)) for row in rows]
    await write(store, *rows)
    await replay(store, *rows)
    assert [await store.result(uuid_of(row)) for row in rows] == before


async def test_many_results_written_together_keep_their_own_bodies(store: JobStore) -> None:
    jobs = Jobs()
    rows = [jobs.ended(result=b'{"n":%d,"pad":"%b"}' % (n, b"x" * n)) for n in range(700)]
    await write(store, *rows)
    for row in rows[::50]:
        found = orjson.loads(await store.result(uuid_of(row)) or b"")
        assert found["result"] == orjson.loads(row.result or b"")


async def test_positions_are_stored_with_the_rows_and_never_go_back(store: JobStore) -> None:
    jobs = Jobs()
    await write(store, jobs.requested(), jobs.requested(), jobs.ended())
    mark = await store.bookmark()
    assert mark.positions == {(REQUESTS, 0): 2, (RESULTS, 0): 1}
    await store.apply(Changes(mark.generation, REQUESTS, RESULTS, {(REQUESTS, 0): 1}))
    assert (await store.bookmark()).positions == mark.positions


async def test_rows_another_gateway_has_stored_are_left_out(store: JobStore) -> None:
    jobs = Jobs()
    first = jobs.requested()
    await write(store, first)
    mark = await store.bookmark()
    doctored = first._replace(job_id=uuid4().bytes)
    await store.apply(Changes(mark.generation, REQUESTS, RESULTS, {(REQUESTS, 0): 1}, [doctored]))
    assert await store.job(uuid_of(doctored)) is None


async def test_a_store_emptied_meanwhile_takes_nothing(store: JobStore) -> None:
    row = Jobs().requested()
    before = await store.bookmark()
    after = await store.reset("cluster-2")
    assert (after.cluster_id, after.positions) == ("cluster-2", {})
    with pytest.raises(StoreReplaced):
        await store.apply(Changes(before.generation, REQUESTS, RESULTS, {(REQUESTS, 0): 1}, [row]))
    assert await store.job(uuid_of(row)) is None
    assert (await store.bookmark()).positions == {}


async def test_resetting_forgets_everything(store: JobStore) -> None:
    row = Jobs().ended()
    await write(store, row)
    await store.reset(None)
    assert await store.job(uuid_of(row)) is None
    again = Jobs().ended(result=b'{"other":1}')
    await write(store, again)
    assert orjson.loads(await store.result(uuid_of(again)) or b"")["result"] == {"other": 1}


async def test_a_cluster_is_adopted_once(store: JobStore) -> None:
    await store.adopt("one")
    await store.adopt("two")
    assert (await store.bookmark()).cluster_id == "one"


async def test_an_idempotency_key_finds_its_job_and_keeps_the_first(store: JobStore) -> None:
    key, first, second = uuid4(), uuid4(), uuid4()
    assert await store.idempotency(key) is None
    await write(store, keys=[KeyRow(key.bytes, first.bytes, b"print", T0)])
    await write(store, keys=[KeyRow(key.bytes, second.bytes, b"other", T0)])
    assert await store.idempotency(key) == (first, b"print")
