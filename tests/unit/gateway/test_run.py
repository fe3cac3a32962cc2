import asyncio
from uuid import UUID

import orjson
import pytest

from tests.unit.gateway.conftest import RUN, Served

GOOD = {"property_id": "PROP123", "county_id": "BENTON"}


def value_of(served: Served, index: int = -1) -> dict[str, object]:
    value: dict[str, object] = orjson.loads(served.kafka.records(served.requests)[index].value or b"")
    return value


async def test_an_accepted_request_is_on_kafka_and_its_job_can_be_found(served: Served) -> None:
    answer = await served.client.post(RUN, json={"property_id": "PROP123", "county_id": "benton_wa"})
    job = await answer.json()
    assert answer.status == 202
    assert answer.headers["Location"] == f"/api/v1/valuation/status/{job['job_id']}"
    assert answer.headers["Retry-After"] == "1"
    assert (job["status"], job["county_id"]) == ("PENDING", "BENTON")
    assert job["message"] == "Valuation job accepted and queued."
    (record,) = served.kafka.records(served.requests)
    assert record.key.decode() == job["job_id"]
    assert value_of(served)["property_id"] == "PROP123"
    found = await served.client.get(answer.headers["Location"])
    assert (found.status, await found.json()) == (200, job)


async def test_everything_the_caller_asked_for_travels_with_the_request(served: Served) -> None:
    asked = {
        "job_id": "urn:uuid:8F14E45F-CEEA-467F-A8F5-6AC0D0C5D3B1",
        "valuation_method_hint": "hedonic",
        "valuation_date": "2026-01-31",
        "characteristics": {"living_area_sqft": 2100, "neighborhood": "N1", "view": None},
    }
    answer = await served.client.post(RUN, json=GOOD | asked)
    job = await answer.json()
    assert job["job_id"] == "8f14e45f-ceea-467f-a8f5-6ac0d0c5d3b1"
    assert job["valuation_method_hint"] == "hedonic"
    assert value_of(served) == GOOD | asked | {"job_id": job["job_id"], "created_at": job["created_at"]}


async def test_a_request_record_is_a_cloud_event_that_carries_the_trace_on(served: Served) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = await served.client.post(RUN, json=GOOD, headers={"traceparent": trace})
    job = await answer.json()
    headers = dict(served.kafka.records(served.requests)[0].headers)
    assert headers["ce_type"] == b"com.terrafusion.valuation.requested.v1"
    assert headers["ce_id"].decode() == headers["ce_subject"].decode() == job["job_id"]
    assert headers["ce_time"].decode() == job["created_at"]
    assert headers["traceparent"].decode() == trace


@pytest.mark.parametrize("trace", ["", "00-0-0-0", "00-" + "0" * 32 + "-" + "1" * 16 + "-01", "x" * 600])
async def test_a_trace_that_is_none_is_not_carried_on(served: Served, trace: str) -> None:
    assert (await served.client.post(RUN, json=GOOD, headers={"traceparent": trace})).status == 202
    assert "traceparent" not in dict(served.kafka.records(served.requests)[0].headers)


async def test_members_that_only_events_have_are_ignored(served: Served) -> None:
    answer = await served.client.post(RUN, json=GOOD | {"batch_id": 7, "created_at": "x", "colour": {"a": 1}})
    job = await answer.json()
    assert (answer.status, job["batch_id"]) == (202, None)
    assert value_of(served)["created_at"] == job["created_at"]


async def test_job_ids_are_fresh_and_sort_by_time(served: Served) -> None:
    ids = [(await (await served.client.post(RUN, json=GOOD)).json())["job_id"] for _ in range(50)]
    assert len(set(ids)) == 50
    assert ids == sorted(ids)
    assert {UUID(each).version for each in ids} == {7}


async def test_a_job_id_used_again_for_the_same_property_is_the_same_job(served: Served) -> None:
    own = GOOD | {"job_id": "8f14e45f-ceea-467f-a8f5-6ac0d0c5d3b1"}
    first = await served.client.post(RUN, json=own)
    second = await served.client.post(RUN, json=own)
    assert (second.status, await second.json()) == (202, await first.json())
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(served.kafka.records(served.requests)) == 1


async def test_a_job_id_used_again_for_another_property_is_refused(served: Served) -> None:
    own = GOOD | {"job_id": "8f14e45f-ceea-467f-a8f5-6ac0d0c5d3b1"}
    await served.client.post(RUN, json=own)
    answer = await served.client.post(RUN, json=own | {"property_id": "OTHER"})
    assert answer.status == 409
    assert (await answer.json())["errors"] == [{"pointer": "/job_id", "message": "is taken"}]
    assert len(served.kafka.records(served.requests)) == 1


async def test_a_preferred_wait_is_answered_with_the_result(served: Served) -> None:
    served.view.answers = lambda _: {"estimated_value": 400_000}
    answer = await served.client.post(RUN, json=GOOD, headers={"Prefer": "respond-async, wait=5"})
    job = await answer.json()
    assert answer.status == 200
    assert answer.headers["Preference-Applied"] == "wait=5"
    assert (job["status"], job["result"]) == ("COMPLETED", {"estimated_value": 400_000})


async def test_a_result_that_comes_while_the_caller_waits_is_answered_at_once(served: Served) -> None:
    asking = asyncio.create_task(served.client.post(RUN, json=GOOD, headers={"Prefer": "wait=20"}))
    await served.view.seen.wait()
    served.view.finish(next(iter(served.view.pending)), {"estimated_value": 1})
    assert (await asking).status == 200


async def test_a_result_that_does_not_come_in_time_leaves_the_job_accepted(served: Served) -> None:
    answer = await served.client.post(RUN, json=GOOD, headers={"Prefer": "wait=1"})
    assert answer.status == 202
    assert answer.headers["Preference-Applied"] == "wait=1"
    assert (await answer.json())["status"] == "PENDING"


@pytest.mark.parametrize("prefer", ["wait", "wait=", "wait=-1", "wait=x", "wait=0", "return=minimal", "await=5", "\t"])
async def test_a_preference_that_cannot_be_read_is_ignored(served: Served, prefer: str) -> None:
    answer = await served.client.post(RUN, json=GOOD, headers={"Prefer": prefer})
    assert answer.status == 202
    assert "Preference-Applied" not in answer.headers
