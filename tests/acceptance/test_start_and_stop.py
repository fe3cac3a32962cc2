"""A system of its own, started, stopped and started again: nothing stays behind but its data."""

import signal
import time
from pathlib import Path

import psutil

from tests.acceptance.system import Place, listening, running, start, still_there
from tests.waiting import came_true


def test_a_system_stops_without_leaving_a_process_and_starts_again_with_its_data(tmp_path: Path) -> None:
    place, untrained = Place.fresh(tmp_path), _untrained(tmp_path)
    with running(place, **untrained) as first:
        job_id = first.client.submit("PROP123")
        ended = first.client.finished(job_id)
        processes = first.processes()
        assert len(processes) >= 4
        assert first.stop(signal.SIGTERM) < 15
    assert still_there(processes) == []
    assert not any(listening(place).values())

    begun = time.monotonic()
    with running(place, **untrained) as second:
        assert time.monotonic() - begun < 60  # ten seconds on a machine that does nothing else
        assert second.client.finished(job_id) == ended
        processes = second.processes()
        psutil.Process(second.pid("worker")).kill()
        assert second.stop(signal.SIGINT) < 15
    assert still_there(processes) == []


def test_a_system_that_is_stopped_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    system = start(Place.fresh(tmp_path), **_untrained(tmp_path))
    assert came_true(lambda: len(system.processes()) > 1, 60)
    processes = system.processes()
    system.stop()
    assert still_there(processes) == []


def _untrained(directory: Path) -> dict[str, str]:
    """Settings with which no model is trained on the first start: the models lie elsewhere."""
    return {"MODEL_STORE_URL": str(directory / "models")}
