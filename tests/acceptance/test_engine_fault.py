"""A request that makes the engine raise fails alone: with its reason, to its own job, and its neighbours complete."""

import sys
from pathlib import Path

import orjson

from deploy.local.child import Command
from deploy.local.ports import LOOPBACK, free_ports
from deploy.local.service import WebService
from schemas.topics import Topics
from tests.acceptance import faulty_worker
from tests.acceptance.client import Metrics, Order, fetch, new_id, publish, request_event
from tests.acceptance.system import Place
from tests.records import committed_records
from tests.waiting import until

_REQUESTS = 200
_BAD = (0, 77, 78, 199)


def test_only_the_request_that_makes_the_engine_raise_fails(kafka: str, own_topics: Topics, tmp_path: Path) -> None:
    jobs = {new_id(): faulty_worker.RAISES if n in _BAD else f"PROP{n}" for n in range(_REQUESTS)}
    orders = [Order(request_event(property_id, job_id=job_id), partition=4) for job_id, property_id in jobs.items()]
    publish(kafka, orders, topic=own_topics.requests.name)
    worker = _worker(kafka, own_topics, tmp_path)
    worker.start()
    try:
        until(worker.ready, 60)
        until(lambda: len(list(committed_records(kafka, own_topics.results.name))) >= _REQUESTS, 60)
        counted = Metrics.of(fetch("GET", worker.url + "/metrics").body.decode())
    finally:
        worker.stop(15)

    events = [orjson.loads(record.value or b"") for record in committed_records(kafka, own_topics.results.name)]
    assert [event["job_id"] for event in events] == list(jobs)
    failed = [event for event in events if event["status"] == "FAILED"]
    assert [event["job_id"] for event in failed] == [list(jobs)[n] for n in _BAD]
    assert {event["failure_reason"] for event in failed} == {"processing_exception"}
    assert {event["message"] for event in failed} == {f"Processing error: {faulty_worker.MESSAGE[:250]}"}
    assert all(event["result"] is not None for event in events if event not in failed)
    assert counted.value("valuation_jobs_failed_total", failure_reason="processing_exception") == len(_BAD)
    assert counted.value("valuation_jobs_completed_total") == _REQUESTS - len(_BAD)
    assert counted.value("valuation_processing_duration_seconds_count") == _REQUESTS


class _Worker(WebService):
    """The faulty worker; ``url`` is its web view."""

    def __init__(self, command: Command, url: str) -> None:
        super().__init__("faulty worker", command, f"{url}/readyz")
        self.url = url


def _worker(kafka: str, topics: Topics, directory: Path) -> _Worker:
    port = free_ports(1)[0]
    environment = Place.fresh(directory).environment(
        KAFKA_BOOTSTRAP_SERVERS=kafka,
        TOPIC_PREFIX=topics.requests.name.removesuffix("valuation.requests"),
        PROCESSOR_PORT=str(port),
        PYTHONPATH=str(Path(__file__).parents[2]),
    )
    command = Command((sys.executable, "-m", faulty_worker.__name__), directory / "worker.log", environment)
    return _Worker(command, f"http://{LOOPBACK}:{port}")
