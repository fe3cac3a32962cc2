"""Garbage on the topic never stops the flow: it goes to the dead letters as it came."""

from pathlib import Path
from uuid import uuid4

import orjson
from confluent_kafka import Producer

from schemas.topics import Topics
from tests.integration.processor.workers import publish, worker
from tests.kafka import create_topics
from tests.records import Record, committed_records
from tests.waiting import until


def _read(kafka: str, topic: str) -> list[Record]:
    return list(committed_records(kafka, topic))


def _good() -> tuple[bytes, bytes]:
    job = str(uuid4())
    return job.encode(), orjson.dumps({"job_id": job, "property_id": "P1", "county_id": "BENTON"})


async def test_garbage_goes_to_the_dead_letters_and_its_neighbours_complete(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    garbage: list[tuple[bytes | None, bytes | None]] = [
        (None, b"not json"),
        (b"key", None),
        (b"\x00\xff", b"\xff\xfe\x00"),
        (b"k", b'{"property_id": 5}'),
        (None, b"[" * 10_000),
    ]
    requests = [record for bad in garbage for record in (_good(), bad)] + [_good()]
    await publish(kafka, topics, requests, partitions=1, headers=[("x-mark", b"1")])
    with worker(kafka, topics, tmp_path) as one:
        until(lambda: len(_read(kafka, topics.results.name)) == 6, 40)
        letters = _read(kafka, topics.dead_letters.name)
        assert [(letter.key, letter.value) for letter in letters] == garbage
        assert [int(letter.headers["error.offset"]) for letter in letters] == [1, 3, 5, 7, 9]
        assert {letter.headers["x-mark"] for letter in letters} == {b"1"}
        assert {letter.headers["error.topic"] for letter in letters} == {topics.requests.name.encode()}
        until(lambda: one.total("valuation_dead_letters_total", reason="invalid_request") == 5)
        one.wait_ready()


async def test_somebody_who_waits_for_an_invalid_job_gets_an_answer(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    job = str(uuid4())
    await publish(kafka, topics, [(None, orjson.dumps({"job_id": job, "property_id": "P1"}))])
    with worker(kafka, topics, tmp_path) as one:
        until(lambda: _read(kafka, topics.results.name), 40)
        (result,) = _read(kafka, topics.results.name)
        assert orjson.loads(result.value or b"")["failure_reason"] == "invalid_request"
        until(lambda: one.total("valuation_jobs_failed_total", failure_reason="invalid_request") == 1)
        assert one.total("valuation_jobs_submitted_total") == 1


def _publish_raw(kafka: str, topics: Topics, values: list[tuple[bytes | None, list[tuple[str, bytes | None]]]]) -> None:
    producer = Producer({"bootstrap.servers": kafka, "message.max.bytes": 1_100_000})
    for value, headers in values:
        producer.produce(topics.requests.name, value=value, headers=headers, partition=0)  # type: ignore[arg-type]
    assert producer.flush(30) == 0


def test_a_record_as_large_as_the_broker_takes_does_not_wedge_its_partition(
    kafka: str, own_topics: Topics, tmp_path: Path
) -> None:
    huge = b"x" * 1_048_400
    _publish_raw(kafka, own_topics, [(huge, []), (_good()[1], [])])
    with worker(kafka, own_topics, tmp_path):
        until(lambda: _read(kafka, own_topics.results.name), 40)
        (letter,) = _read(kafka, own_topics.dead_letters.name)
        assert huge.startswith(letter.value or b"-")
        assert len(letter.value or b"") > 900_000
        lost = int(letter.headers.get("error.truncated_bytes", b"0"))
        assert len(letter.value or b"") + lost == len(huge)


def test_too_much_garbage_stops_the_partition_and_readyz_says_why(
    kafka: str, own_topics: Topics, tmp_path: Path
) -> None:
    _publish_raw(kafka, own_topics, [(b"garbage", [])] * 30)
    with worker(
        kafka, own_topics, tmp_path, PROCESSOR_CONSECUTIVE_DEAD_LETTERS="20", PROCESSOR_STALL_SECONDS="2"
    ) as one:
        until(lambda: any("in a row are no valid requests" in reason for reason in one.reasons()), 40)
        assert _read(kafka, own_topics.dead_letters.name) == []
        until(lambda: one.total("valuation_consumer_lag_records", partition="0") == 30)
        assert one.get("/livez")[0] == 200, "waiting for people is no stall"
