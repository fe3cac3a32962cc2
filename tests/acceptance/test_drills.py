"""The disaster drill of docs/operations.md: what an operator must be able to rely on, done to a system of its own."""

import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest

from deploy.local.ports import free_ports
from tests.acceptance.client import Client
from tests.acceptance.system import Place, System, running
from tests.repeating import repeating
from tests.waiting import came_true

WORKERS = 2


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    gateway, kafka, first_worker, _second_worker = free_ports(2 + WORKERS)
    return Place(tmp_path_factory.mktemp("drill"), (gateway, first_worker, kafka))


@pytest.fixture
def drilled(place: Place) -> Iterator[System]:
    """A system with two workers; the drills of this file find what those before left."""
    with running(place, WORKERS=str(WORKERS)) as started:
        yield started


@dataclass(slots=True)
class Load:
    """Submits requests, and keeps what was accepted."""

    client: Client
    submitted: int = 0
    accepted: list[str] = field(default_factory=list)

    def submit(self) -> None:
        """Submit the next one; a gateway that is being replaced accepts none."""
        self.submitted += 1
        try:
            answer = self.client.run({"property_id": f"PROP{1 + self.submitted % 4000}", "county_id": "BENTON"})
        except OSError:
            return
        if answer.status == 202:
            self.accepted.append(str(answer.json()["job_id"]))


def _replace(system: System, name: str) -> None:
    """Ask a process to stop and return when its successor is ready."""
    pid = system.record.pids[name]
    psutil.Process(pid).send_signal(signal.SIGTERM)
    assert came_true(lambda: system.record.pids[name] != pid, 30), system.said()
    system.wait_until_ready(90)


def _everything(client: Client) -> dict[str, Any]:
    """Return every job with its result, by its id."""
    found: dict[str, Any] = {}
    page = "/api/v1/valuation/jobs?limit=1000"
    while page:
        listed = client.get(page).json()
        for job in listed["items"]:
            found[job["job_id"]] = client.results(job["job_id"]).json()
        page = listed["next"] and f"/api/v1/valuation/jobs?limit=1000&cursor={listed['next']}"
    return found


def test_an_upgrade_process_by_process_loses_nothing_that_was_accepted(drilled: System) -> None:
    load = Load(drilled.client)
    with repeating(load.submit):
        assert came_true(lambda: len(load.accepted) > 20, 30)
        for name in sorted(drilled.record.pids):
            if name.startswith(("worker", "gateway")):
                before = len(load.accepted)
                _replace(drilled, name)
                assert came_true(lambda: len(load.accepted) > before + 5, 30)  # noqa: B023 - called at once
    results = Counter(record.key for record in drilled.client.results_of(*load.accepted, seconds=90))
    sys.stdout.write(f"accepted {len(load.accepted)}, with a result {len(results)}, results {results.total()}\n")
    assert results == {job_id.encode(): 1 for job_id in load.accepted}


def test_a_gateway_that_lost_its_disk_has_every_job_back_from_the_topics(place: Place) -> None:
    with running(place, WORKERS=str(WORKERS)) as system:
        client = system.client
        for name in ("PROP123", "PROP_FAIL_SIMULATION", "NO_SUCH_PROPERTY"):
            client.value(name)
        before = _everything(client)
        assert {job["status"] for job in before.values()} == {"COMPLETED", "FAILED"}
    shutil.rmtree(place.directory / "data" / "gateway")
    with running(place, WORKERS=str(WORKERS)) as system:
        after = _everything(system.client)
    assert len(before) >= 3
    assert after.keys() == before.keys()
    for job_id, job in before.items():
        assert orjson.dumps(after[job_id]) == orjson.dumps(job)


def test_a_county_whose_model_is_damaged_is_valued_on_by_its_sales_and_the_log_says_so(place: Place) -> None:
    if not place.directory.joinpath("data").exists():
        with running(place, WORKERS=str(WORKERS)):
            pass  # this drill alone: somebody has to train the model first
    arrays = list((place.directory / "data" / "models").rglob("arrays.bin"))
    assert arrays
    for path in arrays:
        path.write_bytes(b"")
    with running(place, WORKERS=str(WORKERS)) as system:
        assert system.client.value("PROP123")["status"] == "COMPLETED"
        assert came_true(lambda: "model refused" in _logs(place), 30)


def _logs(place: Place) -> str:
    return "".join(path.read_text(errors="replace") for path in Path(place.directory / "data" / "logs").glob("*.log"))
