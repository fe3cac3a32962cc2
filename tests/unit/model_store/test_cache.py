"""The cache of an object store holds only what was verified, and serves without asking."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import obstore
import pytest
from obstore.exceptions import GenericError
from obstore.store import MemoryStore, S3Store

from processor.model_store.objects import Objects
from processor.model_store.remote import ObjectModelStore
from processor.training.train import Trained
from processor.valuation.frame import Sales
from processor.valuation.model.appraisal import level_of
from processor.valuation.model.errors import CorruptBundle, StoreAway
from processor.valuation.model.store import LEVELS_KEPT, ModelStore
from tests.model_store import sales, trained, written

__all__ = ["sales", "trained"]

NOWHERE = S3Store(
    "bucket",
    endpoint="http://127.0.0.1:9",
    access_key_id="key",
    secret_access_key="hidden",
    client_options={"allow_http": True},
    retry_config={"max_retries": 0},
)


class Machine:
    """One worker's machine: its cache, a store that can be taken away, and a clock that is moved by hand."""

    def __init__(self, root: Path) -> None:
        self.now = 0.0
        self.memory = MemoryStore()
        self.objects = Objects(self.memory, "memory:", elapsed=lambda: self.now)
        self.cache = ModelStore(root)
        self.store = ObjectModelStore(self.objects, self.cache)

    def lose_the_store(self) -> None:
        self.objects.store = NOWHERE

    def find_the_store(self) -> None:
        self.objects.store = self.memory
        self.now += 60.0

    def keys(self, ending: str) -> list[str]:
        found = [each["path"] for page in obstore.list(self.memory) for each in page]
        return [key for key in found if key.endswith(ending)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "one")


@pytest.fixture
def another(machine: Machine, tmp_path: Path) -> Machine:
    """A second machine over the same objects, with nothing in its cache."""
    found = Machine(tmp_path / "other")
    found.memory = found.objects.store = machine.memory
    return found


def test_a_copy_serves_while_the_store_is_away(machine: Machine, another: Machine, trained: Trained) -> None:
    made = written(machine.store, trained)
    another.store.read("MADE", made.version)
    another.lose_the_store()
    assert another.store.read("MADE", made.version).version == made.version
    assert another.store.papers("MADE", made.version)["version"] == made.version


def test_without_a_copy_a_store_that_is_away_is_named(machine: Machine, another: Machine, trained: Trained) -> None:
    made = written(machine.store, trained)
    another.lose_the_store()
    with pytest.raises(StoreAway, match="memory:"):
        another.store.read("MADE", made.version)
    assert not another.store.reachable
    another.find_the_store()
    assert another.store.read("MADE", made.version).version == made.version
    assert another.store.reachable


@pytest.mark.parametrize("name", ["arrays.bin", "manifest.json"])
def test_a_damaged_copy_is_fetched_again(machine: Machine, another: Machine, trained: Trained, name: str) -> None:
    made = written(machine.store, trained)
    directory = another.store.read("MADE", made.version).directory
    (directory / name).write_bytes(b"damaged")
    assert another.store.read("MADE", made.version).version == made.version
    assert (directory / name).read_bytes() == (made.directory / name).read_bytes()


def test_nothing_unverified_is_left_in_the_cache(machine: Machine, another: Machine, trained: Trained) -> None:
    made = written(machine.store, trained)
    obstore.put(machine.memory, f"MADE/{made.version}/arrays.bin", b"damaged")
    with pytest.raises(CorruptBundle, match=f"memory:/MADE/{made.version}: the arrays"):
        another.store.read("MADE", made.version)
    assert [path for path in another.cache.root.rglob("*") if path.is_file()] == []


def test_a_bundle_whose_manifest_was_not_written_yet_is_none(
    machine: Machine, another: Machine, trained: Trained
) -> None:
    """A publisher that is killed between its two files leaves nothing that anybody would read."""
    made = written(machine.store, trained)
    obstore.delete(machine.memory, f"MADE/{made.version}/manifest.json")
    assert another.store.versions("MADE") == []
    written(another.store, trained)
    assert another.store.versions("MADE") == [made.version]


def test_promoting_verifies_the_store_and_not_the_copy(machine: Machine, trained: Trained) -> None:
    made = written(machine.store, trained)
    obstore.put(machine.memory, f"MADE/{made.version}/arrays.bin", b"damaged")
    with pytest.raises(CorruptBundle):
        machine.store.promote("MADE", made.version)
    assert machine.store.serving("MADE") is None


def test_a_training_that_could_not_be_sent_is_sent_when_it_is_repeated(machine: Machine, trained: Trained) -> None:
    machine.lose_the_store()
    with pytest.raises(StoreAway):
        written(machine.store, trained)
    machine.find_the_store()
    made = written(machine.store, trained)
    assert machine.store.versions("MADE") == [made.version]


def test_few_copies_of_a_county_are_kept(machine: Machine, another: Machine, trained: Trained) -> None:
    made = [written(machine.store, trained, revision=str(number)).version for number in range(8)]
    for version in made:
        another.store.read("MADE", version)
    kept = {path.name for path in (another.cache.root / "MADE").iterdir()}
    assert len(kept) == 5
    assert made[-1] in kept


def test_a_store_that_is_away_is_not_asked_again_at_once(machine: Machine) -> None:
    machine.lose_the_store()
    with pytest.raises(StoreAway, match="cannot be asked"):
        machine.store.serving("MADE")
    machine.objects.store = machine.memory
    with pytest.raises(StoreAway, match="a moment ago"):
        machine.store.serving("MADE")
    machine.now += 5.1
    assert machine.store.serving("MADE") is None


def test_levels_wait_for_a_store_that_is_away(machine: Machine, trained: Trained, sales: Sales) -> None:
    level = level_of(written(machine.store, trained).model, sales)
    machine.lose_the_store()
    for number in range(LEVELS_KEPT + 5):
        with pytest.raises(StoreAway):
            machine.store.keep_level("MADE", "v1", replace(level, pool=f"pool{number:03d}"))
    machine.find_the_store()
    machine.store.keep_level("MADE", "v1", replace(level, pool="pool999"))
    kept = machine.keys(".level")
    assert len(kept) == LEVELS_KEPT
    assert {"MADE/levels/v1@pool999.level", "MADE/levels/v1@pool054.level"} <= set(kept)


def test_a_level_is_sent_once(machine: Machine, trained: Trained, sales: Sales) -> None:
    level = level_of(written(machine.store, trained).model, sales)
    machine.store.keep_level("MADE", "v1", level)
    machine.lose_the_store()
    machine.store.keep_level("MADE", "v1", level)  # no error: nothing is asked


@pytest.mark.parametrize(
    "ask",
    [
        lambda objects, _: objects.get("k"),
        lambda objects, path: objects.fetch("k", path),
        lambda objects, _: objects.put("k", b""),
        lambda objects, _: objects.delete("k"),
        lambda objects, _: objects.below("k"),
    ],
)
def test_no_error_of_the_library_leaves_its_place(tmp_path: Path, ask: Callable[[Objects, Path], object]) -> None:
    with pytest.raises(StoreAway) as away:
        ask(Objects(NOWHERE, "s3://bucket"), tmp_path / "file")
    assert not isinstance(away.value, GenericError)
    assert "hidden" not in str(away.value)
