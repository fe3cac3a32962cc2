"""Whatever is killed is started again by itself, and nothing that was accepted is lost or doubled."""

import signal
from collections import Counter

import psutil
import pytest

from tests.acceptance.client import Client, Order, new_id, request_event
from tests.acceptance.system import System
from tests.waiting import came_true


def _kill(system: System, part: str) -> None:
    """Kill a part and return when the supervisor has started another process for it."""
    pid = system.pid(part)
    psutil.Process(pid).send_signal(signal.SIGKILL)
    assert came_true(lambda: system.pid(part) != pid, 20), system.said()


@pytest.mark.parametrize("part", ["worker", "gateway", "kafka"])
def test_a_killed_part_comes_back_and_nothing_is_lost(system: System, client: Client, part: str) -> None:
    ids = [client.submit("PROP123") for _ in range(20)]
    _kill(system, part)
    system.wait_until_ready(60)
    ids.append(client.submit("PROP123"))
    for job_id in ids:
        assert client.finished(job_id, 60)["status"] == "COMPLETED"
    assert Counter(record.key for record in client.results_of(*ids)) == {job_id.encode(): 1 for job_id in ids}


def test_a_worker_killed_in_the_middle_of_its_batches_gives_each_request_one_result(
    system: System, client: Client
) -> None:
    ids = [new_id() for _ in range(6000)]
    orders = [Order(request_event(f"PROP{1 + n % 4000}", job_id=each), each.encode()) for n, each in enumerate(ids)]
    with system.held("worker"):
        client.publish(*orders)
    before = len(client.result_records())
    assert came_true(lambda: len(client.result_records()) > before, 30)
    _kill(system, "worker")
    found = Counter(record.key for record in client.results_of(*ids, seconds=90))
    assert set(found.values()) == {1}
    assert len(found) == 6000


def test_without_a_broker_the_gateway_says_so_in_time_and_recovers_by_itself(system: System, client: Client) -> None:
    pids = system.pid("gateway"), system.pid("worker")
    job_id = new_id()
    with system.held("kafka"):
        refused = client.run({"property_id": "PROP123", "county_id": "BENTON", "job_id": job_id})
        assert refused.status == 503, refused.body
        assert refused.seconds < 5.5
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.headers.get_content_type() == "application/problem+json"
        assert client.get("/livez").status == 200
        assert client.get("/readyz").status == 503
    assert came_true(lambda: client.run({"property_id": "P", "county_id": "B"}).status == 202, 30)
    assert client.submit("PROP123", job_id=job_id) == job_id
    assert client.finished(job_id)["status"] == "COMPLETED"
    assert len(client.results_of(job_id)) == 1
    assert (system.pid("gateway"), system.pid("worker")) == pids
