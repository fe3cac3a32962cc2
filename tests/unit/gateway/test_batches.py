import asyncio
import io
from uuid import UUID

import orjson
import pytest

from producer.batching import batch_object, batch_records
from producer.bulk import Bulk
from producer.headers import read_batch
from producer.ids import new_job_id
from producer.posted import keep, read_posted
from producer.settings import GatewaySettings
from producer.store.base import BatchCounts
from tests.unit.gateway.conftest import Served, serving
from tests.waiting import comes_true, holds

BATCH, BATCHES, REAPPRAISALS = (f"/api/v1/valuation/{each}" for each in ("batch", "batches", "reappraisals"))
NDJSON = {"Content-Type": "application/x-ndjson"}


def rows(count: int, county: str = "BENTON") -> list[dict[str, str]]:
    return [{"property_id": f"P{number}", "county_id": county} for number in range(count)]


async def test_a_batch_is_published_whole_and_its_jobs_name_it(served: Served) -> None:
    answer = await served.client.post(BATCH, json=rows(4500))
    batch = await answer.json()
    assert answer.status == 202
    assert answer.headers["Location"] == f"{BATCHES}/{batch['batch_id']}"
    assert (batch["state"], batch["kind"], batch["county_id"]) == ("RUNNING", "batch", "BENTON")
    assert (batch["total"], batch["published"], batch["completed"], batch["progress"]) == (4500, 4500, 0, 0)
    records = served.kafka.records(served.requests)
    assert len({record.key for record in records}) == 4500
    assert {orjson.loads(record.value or b"")["batch_id"] for record in records} == {batch["batch_id"]}
    notes = {read_batch(dict(record.headers)["batch"]) for record in records}
    assert [(note.batch_id, note.total) for note in notes if note is not None] == [(batch["batch_id"], 4500)]
    shown = await (await served.client.get(answer.headers["Location"])).json()
    assert (shown["state"], shown["published"]) == ("RUNNING", 4500)


async def test_a_batch_may_come_as_lines_and_name_several_counties(served: Served) -> None:
    lines = b"\n".join(orjson.dumps(row) for row in rows(2) + rows(2, "king_wa"))
    batch = await (await served.client.post(BATCH, data=lines, headers=NDJSON)).json()
    assert (batch["total"], batch["county_id"]) == (4, None)
    counties = [orjson.loads(record.value or b"")["county_id"] for record in served.kafka.records(served.requests)]
    assert sorted(counties) == ["BENTON", "BENTON", "KING", "KING"]


async def test_one_bad_request_refuses_the_batch_and_each_bad_one_is_named(served: Served) -> None:
    bad = [*rows(2), {"property_id": 5, "county_id": "B"}, {}, {"property_id": "P", "county_id": "B", "job_id": "x"}]
    answer = await served.client.post(BATCH, json=bad)
    pointers = [error["pointer"] for error in (await answer.json())["errors"]]
    assert (answer.status, pointers) == (422, ["/2/property_id", "/3/property_id", "/3/county_id", "/4/job_id"])
    assert not served.kafka.log
    assert not served.view.announced


async def test_lines_that_are_not_json_are_named_too(served: Served) -> None:
    answer = await served.client.post(BATCH, data=b'{"a"\n' + orjson.dumps(rows(1)[0]), headers=NDJSON)
    problem = await answer.json()
    assert (answer.status, problem["errors"][0]["pointer"]) == (422, "/0")
    assert "JSON" in problem["errors"][0]["message"]


async def test_a_job_id_used_twice_in_one_batch_is_named(served: Served) -> None:
    own = "8f14e45f-ceea-467f-a8f5-6ac0d0c5d3b1"
    twice = [row | {"job_id": spelling} for row, spelling in zip(rows(2), (own, own.upper()), strict=True)]
    answer = await served.client.post(BATCH, json=twice)
    assert (answer.status, (await answer.json())["errors"][0]["pointer"]) == (422, "/1/job_id")


async def test_more_than_fifty_thousand_requests_are_a_413(served: Served) -> None:
    assert (await served.client.post(BATCH, data=b"{}\n" * 50_001, headers=NDJSON)).status == 413
    assert (
        await served.client.post(BATCH, data=io.BytesIO(b"[" + b" " * (16 << 20) + b"]"), headers=JSON)
    ).status == 413


JSON = {"Content-Type": "application/json"}


async def test_a_batch_with_a_key_is_one_batch_however_often_it_is_sent(served: Served) -> None:
    key = {"Idempotency-Key": "b-1"}
    first = await served.client.post(BATCH, json=rows(10), headers=key)
    again = await served.client.post(BATCH, json=rows(10), headers=key)
    assert (again.status, (await again.json())["batch_id"]) == (202, (await first.json())["batch_id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(served.kafka.records(served.requests)) == 10
    assert (await served.client.post(BATCH, json=rows(11), headers=key)).status == 422


async def test_a_keyed_batch_that_kafka_took_in_part_is_completed_by_a_retry(served: Served) -> None:
    key = {"Idempotency-Key": "b-2"}
    served.kafka.listeners.append(lambda _topic, _record: hang_after(served, 3000))
    failed = await served.client.post(BATCH, json=rows(4500), headers=key)
    assert failed.status == 503
    assert (await failed.json())["published"] == "2000"
    served.kafka.listeners.pop()
    served.kafka.come_back()
    again = await served.client.post(BATCH, json=rows(4500), headers=key)
    assert again.status == 202
    assert len({record.key for record in served.kafka.records(served.requests)}) == 4500


def hang_after(served: Served, records: int) -> None:
    served.kafka.hanging = len(served.kafka.records(served.requests)) >= records


async def test_a_batch_that_nobody_can_complete_is_cancelled(served: Served) -> None:
    served.kafka.hanging = True
    failed = await served.client.post(BATCH, json=rows(5))
    assert failed.status == 503
    batch = await (await served.client.get(f"{BATCHES}/{(await failed.json())['batch_id']}")).json()
    assert batch["state"] == "CANCELLED"


async def test_batches_are_listed_shown_and_cancelled(served: Served) -> None:
    batch_id = (await (await served.client.post(BATCH, json=rows(3))).json())["batch_id"]
    page = await (await served.client.get(BATCHES)).json()
    assert [batch["batch_id"] for batch in page["items"]] == [batch_id]
    answer = await served.client.delete(f"{BATCHES}/{batch_id}")
    assert (answer.status, (await answer.json())["state"]) == (200, "CANCELLED")


async def test_an_unknown_batch_is_a_404(served: Served) -> None:
    for method in ("GET", "DELETE"):
        assert (await served.client.request(method, f"{BATCHES}/nothing")).status == 404
    served.view.reachable = False
    assert (await served.client.get(f"{BATCHES}/nothing")).status == 503


def counts(**changes: object) -> BatchCounts:
    plain: dict[str, object] = {
        "batch_id": "b",
        "kind": "batch",
        "county_id": None,
        "total": 100,
        "published": 100,
        "completed": 30,
        "failed_by_reason": {"property_not_found": 10},
        "cancelled": False,
        "created_ms": 0,
        "updated_ms": 9_000,
        "first_result_ms": 1_000,
        "parameters": None,
    }
    return BatchCounts(**(plain | changes))  # type: ignore[arg-type] # built from a plain table


def test_progress_rate_and_eta_follow_from_the_counts() -> None:
    shown = batch_object(counts(), now_ms=5_000)
    assert (shown["state"], shown["failed"], shown["progress"]) == ("RUNNING", 10, 40.0)
    assert (shown["rate"], shown["eta_seconds"]) == (10.0, 6.0)


def test_a_completed_batch_keeps_its_rate_and_has_nothing_to_wait_for() -> None:
    shown = batch_object(counts(completed=90), now_ms=999_000)
    assert (shown["state"], shown["progress"], shown["rate"], shown["eta_seconds"]) == ("COMPLETED", 100.0, 12.5, None)


def test_before_the_first_result_there_is_no_rate() -> None:
    shown = batch_object(counts(completed=0, failed_by_reason={}, first_result_ms=None), now_ms=5_000)
    assert (shown["progress"], shown["rate"], shown["eta_seconds"]) == (0.0, None, None)


async def with_roll(served: Served, count: int = 2500) -> None:
    body = [{"property_id": f"P{number:05}", "bedrooms": number % 5} for number in range(count)]
    assert (await served.client.post("/api/v1/counties/BENTON/properties", json=body)).status == 202


async def test_a_reappraisal_requests_every_property_once(served: Served) -> None:
    await with_roll(served)
    answer = await served.client.post(REAPPRAISALS, json={"county_id": "benton_wa", "valuation_date": "2026-01-01"})
    batch = await answer.json()
    assert (answer.status, batch["state"], batch["kind"]) == (202, "PUBLISHING", "reappraisal")
    assert (batch["total"], batch["county_id"]) == (2500, "BENTON")

    async def published() -> bool:
        return len(served.kafka.records(served.requests)) == 2500

    assert await holds(published, 10)
    values = [orjson.loads(record.value or b"") for record in served.kafka.records(served.requests)]
    assert len({value["property_id"] for value in values}) == 2500
    assert {value["valuation_date"] for value in values} == {"2026-01-01"}
    assert {UUID(value["job_id"]).version for value in values} == {5}


@pytest.mark.parametrize(
    ("filters", "total"),
    [({"bedrooms": 3}, 20), ({"bedrooms": {"min": 3}}, 40), ({"bedrooms": {"min": 1, "max": 2}}, 40), ({}, 100)],
)
async def test_a_reappraisal_takes_the_properties_that_meet_every_condition(
    served: Served, filters: dict[str, object], total: int
) -> None:
    await with_roll(served, 100)
    answer = await served.client.post(REAPPRAISALS, json={"county_id": "BENTON", "filters": filters})
    assert (await answer.json())["total"] == total


async def test_a_reappraisal_of_nothing_is_a_404(served: Served) -> None:
    assert (await served.client.post(REAPPRAISALS, json={"county_id": "NOWHERE"})).status == 404


@pytest.mark.parametrize("body", [{}, {"county_id": 5}, {"county_id": "B", "filters": {"x": [1]}}, []])
async def test_a_reappraisal_that_cannot_be_read_is_a_422(served: Served, body: object) -> None:
    assert (await served.client.post(REAPPRAISALS, json=body)).status == 422


async def test_a_cancelled_reappraisal_publishes_no_further(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producer.cancelling._LOOK_SECONDS", 0.0)
    await with_roll(served, 5000)
    served.kafka.hanging = True
    batch = await (await served.client.post(REAPPRAISALS, json={"county_id": "BENTON"})).json()
    await served.client.delete(f"{BATCHES}/{batch['batch_id']}")
    served.kafka.come_back()
    await asyncio.gather(*served.gateway.reappraisals._tasks)
    assert len({record.key for record in served.kafka.records(served.requests)}) <= 1000


async def test_a_reappraisal_is_resumed_where_it_was_and_no_property_is_left_out(served: Served) -> None:
    await with_roll(served, 3000)
    served.kafka.listeners.append(lambda _topic, _record: hang_after(served, 1500))
    batch = await (await served.client.post(REAPPRAISALS, json={"county_id": "BENTON"})).json()

    async def partly() -> bool:
        return served.kafka.hanging

    assert await holds(partly, 10)
    await served.gateway.reappraisals.stop()
    served.kafka.listeners.pop()
    served.kafka.come_back()
    await served.gateway.reappraisals.start()

    async def all_published() -> bool:
        return len({record.key for record in served.kafka.records(served.requests)}) == 3000

    assert await holds(all_published, 15)
    values = [orjson.loads(record.value or b"") for record in served.kafka.records(served.requests)]
    assert len(values) <= 4000  # only the share that was on its way may go twice
    assert {value["batch_id"] for value in values} == {batch["batch_id"]}
    assert len({value["property_id"] for value in values}) == 3000


@pytest.mark.parametrize("key_id", [None, UUID("2b1f7a52-94f1-5d0c-8f43-6f1b0f9f6f2e")])
@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("before", [0, 2000])
async def test_a_posted_batch_that_a_crash_interrupted_goes_on_by_itself(
    served: Served, key_id: UUID | None, before: int, *, lines: bool
) -> None:
    own, gateway = "8f14e45f-ceea-467f-a8f5-6ac0d0c5d3b1", served.gateway
    asked = [*rows(4999), {"property_id": 'P"last"', "county_id": "king", "job_id": own}]
    body = b"\n".join(map(orjson.dumps, asked)) if lines else orjson.dumps(asked)
    batch_id = new_job_id(1_795_000_000_000) if key_id is None else str(key_id)
    posted = await read_posted(Bulk(body, lines=lines), batch_id, 1_795_000_000_000, key_id)
    await keep(gateway.view, posted)
    some = batch_records(posted.note, posted.orders[:before], posted.key_headers()) if before else []
    await gateway.publisher.publish_all(gateway.topics.requests, some)
    await gateway.reappraisals.start()  # as the next process does

    async def all_published() -> bool:
        return len({record.key for record in served.kafka.records(served.requests)}) == 5000

    assert await holds(all_published, 15)
    await asyncio.gather(*gateway.reappraisals._tasks)
    values = {record.key: orjson.loads(record.value or b"") for record in served.kafka.records(served.requests)}
    assert {value["property_id"] for value in values.values()} == {row["property_id"] for row in asked}
    assert values[own.encode()]["county_id"] == "KING"
    assert {value["batch_id"] for value in values.values()} == {batch_id}
    assert (served.view.announced[batch_id].total, served.view.announced[batch_id].parameters) == (5000, b"")
    assert set(served.view.keys) == (set() if key_id is None else {key_id})


async def test_a_batch_that_comes_before_the_gateway_looks_for_unfinished_ones_is_published_once() -> None:
    async with serving(GatewaySettings(gateway_publish_seconds=30.0)) as served:
        reappraisals = served.gateway.reappraisals
        await reappraisals.stop()
        served.view.current.clear()
        await reappraisals.start()  # as a process does whose view is not current yet
        served.kafka.hanging = True
        posting = asyncio.create_task(served.client.post(BATCH, json=rows(3)))
        assert await comes_true(lambda: served.view.announced, 10)
        served.view.current.set()
        async with asyncio.timeout(10):  # nothing is left to resume
            while reappraisals._tasks:
                await asyncio.wait(reappraisals._tasks)
        served.kafka.come_back()
        assert (await posting).status == 202
        assert len(served.kafka.records(served.requests)) == 3


async def test_a_batch_that_was_published_keeps_nothing_to_resume(served: Served) -> None:
    assert (await served.client.post(BATCH, json=rows(3))).status == 202
    await asyncio.gather(*served.gateway.reappraisals._tasks)
    assert [batch.parameters for batch in served.view.announced.values()] == [b""]
    await served.gateway.reappraisals.start()
    await asyncio.gather(*served.gateway.reappraisals._tasks)
    assert len(served.kafka.records(served.requests)) == 3
