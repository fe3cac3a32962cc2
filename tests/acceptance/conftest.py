"""One system for all tests of this directory, started the way its user starts it."""

from collections.abc import Iterator

import pytest

from tests.acceptance.client import Client
from tests.acceptance.system import Place, System, running


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A running system with one worker, the local Kafka and the sample county."""
    with running(Place.fresh(tmp_path_factory.mktemp("system"))) as started:
        yield started


@pytest.fixture
def client(system: System) -> Client:
    """A customer of the system, which is ready, whatever the test before did to it."""
    system.wait_until_ready()
    return system.client
