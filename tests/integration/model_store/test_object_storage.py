"""A real server of object storage keeps what a model store promises; workers outlive its absence."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from processor.model_store import open_model_store
from processor.model_store.remote import ObjectModelStore
from processor.training.train import Trained
from processor.valuation.frame import Sales
from processor.valuation.model.bundle import Bundle
from processor.valuation.model.errors import StoreAway
from processor.valuation.model.serving import TrainedEngines
from schemas.records import ModelRecord
from schemas.settings import CommonSettings
from tests.model_store import StorePromises, sales, trained, written
from tests.object_storage import BUCKET, SECRET, ObjectStorage, object_storage

__all__ = ["object_storage", "sales", "trained"]


class ServerPlace:
    """Bundles on the server; every process has a data directory of its own."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._processes = 0

    def store(self) -> ObjectModelStore:
        self._processes += 1
        found = open_model_store(CommonSettings(data_dir=self._root / f"process-{self._processes}"))
        assert isinstance(found, ObjectModelStore)
        return found

    def spoil(self, key: str, content: bytes) -> None:
        self.store()._objects.put(key, content)

    def keys(self) -> list[str]:
        return [each.key for each in self.store()._objects.below("")]


@pytest.fixture
def place(object_storage: ObjectStorage, tmp_path: Path) -> ServerPlace:  # noqa: ARG001 - it must run
    return ServerPlace(tmp_path)


class TestServer(StorePromises):
    """Run the promises over the server."""


class Worker:
    """The trained engines of a worker that begins now, for one county and an announcement."""

    def __init__(self, place: ServerPlace, bundle: Bundle, sales: Sales) -> None:
        self.now = 0.0
        self.announce(bundle)
        self.store = place.store()
        self.engines = TrainedEngines(self.store, lambda _: self.record, lambda _: sales, elapsed=lambda: self.now)

    def announce(self, bundle: Bundle) -> None:
        self.record = ModelRecord(
            county_id="MADE",
            version=bundle.version,
            uri=f"MADE/{bundle.version}",
            sha256=bundle.manifest["sha256"],
            trained_at="now",
            study={},
        )

    def serves(self) -> str | None:
        """Return what serves after everything under way has come to its end, a while later."""
        self.now += 100.0
        self.engines("MADE")
        self.engines.settle()
        found = self.engines("MADE")
        return None if found is None else found.version


@pytest.fixture
def worker(place: ServerPlace, trained: Trained, sales: Sales) -> Iterator[Worker]:
    worker = Worker(place, written(place.store(), trained), sales)
    try:
        yield worker
    finally:
        worker.engines.close()


def test_a_store_that_goes_away_changes_nothing_for_what_serves(
    worker: Worker, place: ServerPlace, object_storage: ObjectStorage, trained: Trained
) -> None:
    first = worker.serves()
    newer = written(place.store(), trained, revision="newer")
    object_storage.stop()
    worker.announce(newer)
    assert worker.serves() == first
    assert worker.engines.troubles() == {"MADE": "unreachable"}
    assert worker.engines.versions() == {"MADE": first}
    assert not worker.engines.store_reachable


def test_a_worker_that_starts_without_the_store_takes_the_model_up_when_it_is_back(
    worker: Worker, object_storage: ObjectStorage
) -> None:
    object_storage.stop()
    assert worker.serves() is None
    assert worker.engines.troubles() == {"MADE": "unreachable"}
    object_storage.start()
    worker.store._objects.elapsed = lambda: 1e12  # its rest is over
    assert worker.serves() == worker.record.version
    assert worker.engines.troubles() == {}
    assert worker.engines.store_reachable


def test_wrong_credentials_are_named_and_not_shown(
    place: ServerPlace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET + "x")
    with pytest.raises(StoreAway, match=f"s3://{BUCKET}/county/models") as away:
        place.store().serving("MADE")
    said = "".join(capfd.readouterr()) + str(away.value)
    assert SECRET not in said


def test_a_bucket_that_does_not_exist_is_no_empty_store(place: ServerPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_STORE_URL", "s3://no-such-bucket/models")
    with pytest.raises(StoreAway, match="no-such-bucket"):
        place.store().serving("MADE")
