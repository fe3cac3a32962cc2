from uuid import uuid4

import orjson
import pytest

from schemas.reasons import FailureReason, JobStatus
from tests.unit.gateway.conftest import RUN, Served

STATUS, RESULTS, JOBS = (f"/api/v1/valuation/{each}" for each in ("status", "results", "jobs"))
GOOD = {"property_id": "P", "county_id": "BENTON"}


@pytest.mark.parametrize("path", [STATUS, RESULTS])
@pytest.mark.parametrize(
    "job_id", ["x", "123", "8f14e45f", "0x" + "0" * 34, "%ff%00", "8f14e45f-ceea-467f-a8f5-6ac0d0c5d3bg"]
)
async def test_what_is_no_uuid_is_a_400(served: Served, path: str, job_id: str) -> None:
    answer = await served.client.get(f"{path}/{job_id}")
    assert (answer.status, answer.content_type) == (400, "application/problem+json")


@pytest.mark.parametrize("path", [STATUS, RESULTS])
async def test_an_unknown_job_is_a_404_after_the_view_has_caught_up(served: Served, path: str) -> None:
    before = served.view.catch_ups
    answer = await served.client.get(f"{path}/{uuid4()}")
    assert answer.status == 404
    assert served.view.catch_ups == before + 1


@pytest.mark.parametrize("path", [STATUS, RESULTS])
async def test_an_accepted_job_is_found_however_late_the_view_is(served: Served, path: str) -> None:
    served.view.late = True
    job_id = (await (await served.client.post(RUN, json=GOOD)).json())["job_id"]
    assert (await served.client.get(f"{path}/{job_id}")).status == 200


async def test_a_job_is_found_by_any_spelling_of_its_id(served: Served) -> None:
    job_id = (await (await served.client.post(RUN, json=GOOD)).json())["job_id"]
    for spelling in (job_id.upper(), f"urn:uuid:{job_id}"):
        assert (await (await served.client.get(f"{STATUS}/{spelling}")).json())["job_id"] == job_id


async def test_a_result_is_null_until_the_job_is_completed(served: Served) -> None:
    job_id = (await (await served.client.post(RUN, json=GOOD)).json())["job_id"]
    before = await (await served.client.get(f"{RESULTS}/{job_id}")).json()
    served.view.finish(next(iter(served.view.pending)), {"estimated_value": 1})
    after = await (await served.client.get(f"{RESULTS}/{job_id}")).json()
    assert (before["status"], before["result"]) == ("PENDING", None)
    assert (after["status"], after["result"]) == ("COMPLETED", {"estimated_value": 1})


async def test_every_filter_reaches_the_store_in_its_normal_form(served: Served) -> None:
    query = {
        "county_id": "benton-wa",
        "property_id": "P 1/2",
        "status": "FAILED",
        "failure_reason": "invalid_request",
        "batch_id": "b",
        "created_after": "2026-01-01T00:00:00+01:00",
        "limit": "1000",
        "cursor": "c",
    }
    answer = await served.client.get(JOBS, params=query)
    assert answer.status == 200
    (wanted,) = served.view.filters
    assert (wanted.county_id, wanted.property_id, wanted.batch_id) == ("BENTON", "P 1/2", "b")
    assert (wanted.status, wanted.failure_reason) == (JobStatus.FAILED, FailureReason.INVALID_REQUEST)
    assert (wanted.created_after_ms, wanted.limit, wanted.cursor) == (1_767_222_000_000, 1000, "c")


async def test_a_page_lists_items_and_the_next_cursor(served: Served) -> None:
    await served.client.post(RUN, json=GOOD)
    page = orjson.loads(await (await served.client.get(JOBS)).read())
    assert [job["property_id"] for job in page["items"]] == ["P"]
    assert page["next"] is None


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=1e2",
        "limit=%D9%A3",
        "limit=",
        "limit=1&limit=2",
        "limit=" + "9" * 5000,
        "status=DONE",
        "status=completed",
        "failure_reason=x",
        "county_id=--",
        "county_id=" + "x" * 65,
        "county_id=%00",
        "property_id=",
        "property_id=%0A",
        "created_after=yesterday",
        "created_after=2026-01-01T00:00:00",
        "created_after=9999-12-31T23:59:59.999999-23:59",
        "created_after=99999",
    ],
)
async def test_a_filter_that_cannot_be_read_is_a_400_that_names_it(served: Served, query: str) -> None:
    answer = await served.client.get(f"{JOBS}?{query}")
    problem = await answer.json()
    assert answer.status in {400, 200} if "9999-12-31" in query else answer.status == 400
    assert answer.status == 200 or query.split("=", maxsplit=1)[0] in problem["detail"]
    assert answer.status == 200 or not served.view.filters
