"""What the gateway promises to whoever speaks HTTP: acceptance, answers, errors, repetition, waiting."""

import time
from typing import Final
from uuid import UUID

import pytest

from tests.acceptance.client import TOPICS, Answer, Client, new_id
from tests.acceptance.system import System
from tests.records import committed_records

_JOB_FIELDS: Final = {
    *("job_id", "property_id", "county_id", "status", "message", "created_at", "updated_at", "started_at"),
    *("completed_at", "failure_reason", "batch_id", "valuation_method_hint"),
}
_GOOD: Final = {"property_id": "PROP123", "county_id": "BENTON"}


def test_an_accepted_request_is_answered_with_its_job_and_where_to_ask_for_it(client: Client) -> None:
    answer = client.run(_GOOD | {"valuation_method_hint": "sales_comparison"})
    job = answer.json()
    assert answer.status == 202
    assert set(job) == _JOB_FIELDS
    assert (job["status"], job["message"]) == ("PENDING", "Valuation job accepted and queued.")
    assert (job["started_at"], job["completed_at"], job["failure_reason"]) == (None, None, None)
    assert job["valuation_method_hint"] == "sales_comparison"
    assert answer.headers["Location"] == f"/api/v1/valuation/status/{job['job_id']}"
    assert int(answer.headers["Retry-After"]) >= 1
    assert client.get(answer.headers["Location"]).status == 200


def test_an_accepted_job_is_known_at_once_every_time(client: Client) -> None:
    for _ in range(50):
        job_id = client.submit("PROP123")
        answer = client.get(f"/api/v1/valuation/status/{job_id}")
        assert (answer.status, answer.json()["job_id"]) == (200, job_id)


def test_an_ended_job_has_its_times_in_order_and_an_explained_result(client: Client) -> None:
    job = client.value("PROP123", valuation_date="2026-06-30")
    times = [job[name] for name in ("created_at", "started_at", "completed_at")]
    assert times == sorted(times)
    assert all(moment.endswith("Z") for moment in times)
    result = job["result"]
    assert result["valuation_date"] == "2026-06-30"
    assert result["value_low"] <= result["estimated_value"] <= result["value_high"]
    assert 0 <= result["confidence_score"] <= 1
    assert len(result["comparables"]) == len(result["comparables_used"]) >= 3
    explained = result["base_value"] + sum(line["dollars"] for line in result["contributions"])
    assert explained + result["local_correction"] == pytest.approx(result["unrounded_value"], abs=0.01)


def test_a_property_nobody_knows_is_accepted_and_then_not_found(client: Client) -> None:
    job = client.value("NO-SUCH-PROPERTY")
    assert (job["status"], job["failure_reason"]) == ("FAILED", "property_not_found")
    assert job["message"] == "Property NO-SUCH-PROPERTY not found in county BENTON."


def test_results_before_the_end_are_an_answer_without_a_result(system: System, client: Client) -> None:
    with system.held("worker"):
        job_id = client.submit("PROP123")
        early = client.results(job_id)
    assert (early.status, early.json()["status"], early.json()["result"]) == (200, "PENDING", None)
    assert client.finished(job_id)["result"] is not None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"", 400),
        ({"county_id": "BENTON"}, 422),
        ({"property_id": "PROP123"}, 422),
        (_GOOD | {"property_id": 7}, 422),
        (_GOOD | {"property_id": ""}, 422),
        (_GOOD | {"property_id": "x" * 129}, 422),
        (_GOOD | {"property_id": "a\nb"}, 422),
        (_GOOD | {"county_id": "x" * 65}, 422),
        (_GOOD | {"job_id": "no-uuid"}, 422),
        (_GOOD | {"valuation_date": "yesterday"}, 422),
        ([_GOOD], 422),
    ],
)
def test_what_is_no_request_is_refused_and_nothing_is_published(client: Client, body: object, status: int) -> None:
    before = _request_ends(client)
    answer = client.run(body)
    _is_problem(answer, status)
    if status == 422 and isinstance(body, dict):
        assert answer.json()["errors"], "a refused body names what is wrong in it"
        assert all(error["pointer"].startswith("/") and error["message"] for error in answer.json()["errors"])
    assert _request_ends(client) == before


@pytest.mark.parametrize("kind", ["status", "results"])
def test_a_job_id_that_is_no_uuid_is_malformed_and_an_unknown_one_is_not_found(client: Client, kind: str) -> None:
    _is_problem(client.get(f"/api/v1/valuation/{kind}/not-a-uuid"), 400)
    _is_problem(client.get(f"/api/v1/valuation/{kind}/{new_id()}"), 404)


def test_other_refusals_are_problems_too(client: Client) -> None:
    _is_problem(client.call("DELETE", "/api/v1/valuation/run"), 405)
    _is_problem(client.get("/api/v1/no/such/path"), 404)
    _is_problem(client.run(_GOOD, headers={"Content-Type": "text/plain"}), 415)
    _is_problem(client.run(b'{"x":"' + b"a" * (2 << 20) + b'"}'), 413)
    _is_problem(client.get("/api/v1/valuation/jobs?limit=0"), 400)


def test_the_same_idempotency_key_is_the_same_job_and_another_body_is_refused(client: Client) -> None:
    key = {"Idempotency-Key": new_id()}
    first, again = client.run(_GOOD, headers=key), client.run(_GOOD, headers=key)
    assert (first.status, again.status) == (202, 202)
    job_id = first.json()["job_id"]
    assert again.json()["job_id"] == job_id
    assert UUID(job_id)
    _is_problem(client.run(_GOOD | {"property_id": "PROP124"}, headers=key), 422)
    assert client.finished(job_id)["property_id"] == "PROP123"
    assert len(client.results_of(job_id)) == 1


def test_a_callers_own_job_id_sent_twice_is_one_job_counted_once(client: Client) -> None:
    job_id, before = new_id(), client.metrics()
    for _ in range(3):
        assert client.submit("PROP123", job_id=job_id) == job_id
    assert client.finished(job_id)["status"] == "COMPLETED"
    marker = client.value("PROP123", job_id=new_id())  # everything before it has been seen by now, or will have been
    assert marker["status"] == "COMPLETED"
    assert len(client.results_of(job_id)) == 1
    grown = client.metrics().value("valuation_jobs_submitted_total") - before.value("valuation_jobs_submitted_total")
    assert grown == 2


def test_who_prefers_to_wait_gets_the_result(client: Client) -> None:
    answer = client.run(_GOOD, headers={"Prefer": "wait=10"})
    assert (answer.status, answer.json()["status"]) == (200, "COMPLETED")
    assert answer.json()["result"]["estimated_value"] > 0
    assert "wait" in answer.headers["Preference-Applied"]


def test_who_waits_in_vain_gets_the_job(system: System, client: Client) -> None:
    with system.held("worker"):
        answer = client.run(_GOOD, headers={"Prefer": "wait=1"})
    assert (answer.status, answer.json()["status"]) == (202, "PENDING")
    assert answer.seconds >= 0.9
    assert client.finished(answer.json()["job_id"])["status"] == "COMPLETED"


def test_jobs_are_listed_page_by_page_each_once(client: Client) -> None:
    mine = {client.submit(f"LISTED-{number}") for number in range(7)}
    for job_id in mine:
        client.finished(job_id)
    listed: list[str] = []
    path = "/api/v1/valuation/jobs?county_id=benton&failure_reason=property_not_found&limit=3"
    cursor = ""
    deadline = time.monotonic() + 20
    while not mine <= set(listed) and time.monotonic() < deadline:
        page = client.get(path + cursor).json()
        listed += [job["job_id"] for job in page["items"]]
        assert len(page["items"]) <= 3
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert mine <= set(listed)
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/openapi.json", "/asyncapi.json", "/docs", "/"])
def test_the_gateways_own_pages_answer(client: Client, path: str) -> None:
    assert client.get(path).status == 200


def _request_ends(client: Client) -> int:
    return sum(1 for _ in committed_records(client.bootstrap, TOPICS.requests.name))


def _is_problem(answer: Answer, status: int) -> None:
    assert answer.status == status, answer.body
    assert answer.headers.get_content_type() == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
