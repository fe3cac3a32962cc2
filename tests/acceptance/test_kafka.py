"""What the topics promise to whoever publishes to them directly: the same results as over HTTP, each once."""

import asyncio
from typing import Any, Final
from uuid import UUID

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from tests.acceptance.client import TOPICS, Client, Order, new_id, request_event
from tests.records import Record

_DAY: Final = "2026-03-31"
_TRACE: Final = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def _event(record: Record) -> dict[str, Any]:
    event: dict[str, Any] = orjson.loads(record.value or b"")
    return event


@pytest.mark.parametrize("keyed", [True, False], ids=["with key", "without key"])
@pytest.mark.parametrize("headed", [True, False], ids=["with headers", "without headers"])
def test_a_published_request_gives_the_same_result_as_a_posted_one(
    client: Client, *, keyed: bool, headed: bool
) -> None:
    posted = client.value("PROP123", valuation_date=_DAY)
    job_id = new_id()
    headers = {
        "ce_specversion": b"1.0",
        "ce_id": job_id.encode(),
        "ce_source": b"/tests",
        "ce_type": b"com.terrafusion.valuation.requested.v1",
        "content-type": b"application/json",
        "traceparent": _TRACE,
    }
    value = request_event("PROP123", "benton_wa", job_id=job_id, valuation_date=_DAY)
    order = Order(value, job_id.encode() if keyed else None, headers if headed else {})
    (position,) = client.publish(order)
    (result,) = client.results_of(job_id)
    assert _event(result)["result"] == posted["result"]
    assert result.partition == position.partition
    assert result.headers["ce_specversion"] == b"1.0"
    assert result.headers["ce_type"] == b"com.terrafusion.valuation.completed.v1"
    assert result.headers.get("traceparent") == (_TRACE if headed else None)
    assert client.finished(job_id)["result"] == posted["result"]


def test_aiokafka_publishes_as_well_as_any_other_client(client: Client) -> None:
    posted = client.value("PROP123", valuation_date=_DAY)
    ids = [new_id(), new_id(), new_id()]

    async def publish() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=client.bootstrap, acks="all", enable_idempotence=True)
        await producer.start()
        try:
            topic = TOPICS.requests.name
            body = request_event("PROP123", valuation_date=_DAY)
            await producer.send_and_wait(topic, request_event("PROP123", job_id=ids[0], valuation_date=_DAY))
            await producer.send_and_wait(topic, body, key=ids[1].encode())
            headers = [("content-type", b"application/json")]
            named = request_event("PROP123", job_id=ids[2], valuation_date=_DAY)
            await producer.send_and_wait(topic, named, key=ids[2].encode(), headers=headers)
        finally:
            await producer.stop()

    asyncio.run(publish())
    for record in client.results_of(*ids):
        assert _event(record)["result"] == posted["result"]


def test_the_smallest_request_gets_a_job_id_of_its_own_that_the_gateway_knows(client: Client) -> None:
    smallest = b'{"property_id":"PROP123","county_id":"BENTON"}'
    before = {record.key for record in client.result_records()}
    positions = client.publish(Order(smallest, partition=3), Order(smallest, partition=3))
    marker = new_id()
    client.publish(Order(request_event("PROP123", job_id=marker), partition=3))
    client.results_of(marker)
    new = [record for record in client.result_records() if record.key not in before and record.partition == 3]
    mine = [record for record in new if record.key != marker.encode()]
    assert len(mine) == len(positions) == len({record.key for record in mine})
    for record in mine:
        job_id = UUID((record.key or b"").decode())
        assert job_id.version == 5
        assert _event(record)["job_id"] == str(job_id)
        assert client.finished(str(job_id))["status"] == "COMPLETED"


def test_the_same_event_twice_gives_one_result_counted_once(client: Client) -> None:
    job_id, before = new_id(), client.metrics()
    order = Order(request_event("PROP123", job_id=job_id), job_id.encode())
    first, *repeats = client.publish(order, order, order)
    assert {position.partition for position in repeats} == {first.partition}
    marker = new_id()
    client.publish(Order(request_event("PROP123", job_id=marker), partition=first.partition))
    client.results_of(marker)
    assert len(client.results_of(job_id)) == 1
    after = client.metrics()
    assert after.value("valuation_duplicates_total") - before.value("valuation_duplicates_total") == 2
    grown = after.value("valuation_jobs_submitted_total") - before.value("valuation_jobs_submitted_total")
    assert grown == 2


@pytest.mark.parametrize(
    "value",
    [None, b"", b"garbage", b"\x00\xff", b"[]", b"null", b'{"job_id":"no-uuid","property_id":"P","county_id":"B"}'],
    ids=repr,
)
def test_garbage_becomes_a_dead_letter_and_the_flow_goes_on(client: Client, value: bytes | None) -> None:
    garbage = Order(value, b"some key", {"x-own": b"kept"}, partition=5)
    job_id = new_id()
    position, _ = client.publish(garbage, Order(request_event("PROP123", job_id=job_id), partition=5))
    (result,) = client.results_of(job_id)
    assert _event(result)["status"] == "COMPLETED"
    letter = client.dead_letter(position)
    assert (letter.key, letter.value) == (b"some key", value)
    assert letter.headers["x-own"] == b"kept"
    assert letter.headers["error.reason"] == b"invalid_request"
    assert letter.headers["error.topic"] == TOPICS.requests.name.encode()
    assert {"error.message", "error.timestamp", "error.attempts", "error.app_version"} <= letter.headers.keys()


def test_an_invalid_request_with_a_job_id_ends_as_failed_so_that_nobody_waits_for_ever(client: Client) -> None:
    job_id, before = new_id(), client.metrics()
    (position,) = client.publish(Order(orjson.dumps({"job_id": job_id, "county_id": "BENTON", "property_id": 7})))
    (result,) = client.results_of(job_id)
    assert (_event(result)["status"], _event(result)["failure_reason"]) == ("FAILED", "invalid_request")
    assert client.finished(job_id)["failure_reason"] == "invalid_request"
    client.dead_letter(position)
    after = client.metrics()
    for sample in ("valuation_jobs_submitted_total", "valuation_jobs_failed_total"):
        assert after.value(sample) - before.value(sample) == 1
    dead = "valuation_dead_letters_total"
    assert after.value(dead) - before.value(dead) == 1


def test_one_bad_request_among_many_harms_no_other(client: Client) -> None:
    ids = [new_id() for _ in range(300)]
    orders = [Order(request_event(f"PROP{100 + n}", job_id=job_id), partition=7) for n, job_id in enumerate(ids)]
    orders.insert(150, Order(b"garbage", partition=7))
    client.publish(*orders)
    results = client.results_of(*ids)
    assert len(results) == 300
    assert {_event(record)["status"] for record in results} == {"COMPLETED"}
