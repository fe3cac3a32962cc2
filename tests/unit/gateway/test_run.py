import orjson

from tests.unit.gateway.conftest import RUN, Served


async def test_an_accepted_request_is_on_kafka_and_its_job_can_be_found(served: Served) -> None:
    answer = await served.client.post(RUN, json={"property_id": "PROP123", "county_id": "benton_wa"})
    job = await answer.json()
    assert answer.status == 202
    assert answer.headers["Location"] == f"/api/v1/valuation/status/{job['job_id']}"
    assert (job["status"], job["county_id"], job["message"]) == (
        "PENDING",
        "BENTON",
        "Valuation job accepted and queued.",
    )
    (record,) = served.kafka.records(served.requests)
    assert record.key.decode() == job["job_id"]
    assert orjson.loads(record.value or b"")["property_id"] == "PROP123"
    found = await served.client.get(answer.headers["Location"])
    assert (found.status, await found.json()) == (200, job)
