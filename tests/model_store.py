"""What every model store promises, as tests that run over a directory, over objects in memory and over a real server.

Whoever runs them brings a ``place`` with the store of a process that begins anew, and a way to spoil what lies there.
"""

from dataclasses import replace
from functools import cache
from typing import Protocol

import pytest

from processor.training.train import Trained, train
from processor.valuation.frame import Sales
from processor.valuation.model.appraisal import level_of
from processor.valuation.model.bundle import Bundle
from processor.valuation.model.errors import CorruptBundle, NoSuchBundle, Objected
from processor.valuation.model.packing import Array, pack
from processor.valuation.model.store import LEVELS_KEPT, BundleStore
from tests.unit.training.county import DAYS, FIRST_DAY, made_sales

WHEN = "2026-01-01T00:00:00.000Z"


class Place(Protocol):
    """Where bundles lie."""

    def store(self) -> BundleStore:
        """Return the store as a process finds it that never saw it before."""
        ...

    def spoil(self, key: str, content: bytes) -> None:
        """Replace what lies under a key."""
        ...

    def keys(self) -> list[str]:
        """Return every key."""
        ...


@cache
def trained_once() -> Trained:
    """Return the made-up county's model; learning it takes seconds, so a test run does it once."""
    return train("MADE", made_sales(), as_of=FIRST_DAY + DAYS - 120)


@pytest.fixture(scope="session")
def sales() -> Sales:
    return made_sales()


@pytest.fixture(scope="session")
def trained() -> Trained:
    return trained_once()


def written(store: BundleStore, trained: Trained, when: str = WHEN, revision: str = "1") -> Bundle:
    return store.write(trained.county, {**trained.papers, "objections": [], "revision": revision}, when)


def arrays(bundle: Bundle) -> list[Array]:
    found: dict[str, Array] = {}
    pack(bundle.model, found)
    return [found[name] for name in sorted(found)]


class StorePromises:
    """Promises of ``BundleStore``."""

    def test_what_was_written_is_read_by_another_process(self, place: Place, trained: Trained) -> None:
        made = written(place.store(), trained)
        found = place.store().read("MADE", made.version)
        assert found.manifest == made.manifest
        assert [array.tolist() for array in arrays(found)] == [array.tolist() for array in arrays(made)]

    def test_writing_does_not_make_it_serve(self, place: Place, trained: Trained) -> None:
        written(place.store(), trained)
        assert place.store().serving("MADE") is None
        with pytest.raises(NoSuchBundle, match="train one first"):
            place.store().read("MADE")

    def test_promoting_makes_it_serve_everybody(self, place: Place, trained: Trained) -> None:
        made = written(place.store(), trained)
        place.store().promote("MADE", made.version)
        assert place.store().serving("MADE") == made.version
        assert place.store().read("MADE").version == made.version

    def test_a_version_that_is_there_is_left_as_it_is(self, place: Place, trained: Trained) -> None:
        written(place.store(), trained, "first")
        assert written(place.store(), trained, "second").manifest["trained_at"] == "first"

    def test_versions_are_listed_from_the_last_trained_to_the_first(self, place: Place, trained: Trained) -> None:
        made = [written(place.store(), trained, f"202{number}", str(number)).version for number in (1, 3, 2)]
        assert place.store().versions("MADE") == [made[1], made[2], made[0]]
        assert place.store().counties() == ["MADE"]

    def test_an_empty_store_has_nothing_and_says_so(self, place: Place) -> None:
        store = place.store()
        assert (store.counties(), store.versions("MADE"), store.serving("MADE")) == ([], [], None)
        assert store.level("MADE", "v") is None
        for ask in (store.read, store.papers, store.promote):
            with pytest.raises(NoSuchBundle):
                ask("MADE", "made-000000000000")

    @pytest.mark.parametrize("name", ["arrays.bin", "manifest.json"])
    def test_what_was_damaged_is_refused_and_never_promoted(self, place: Place, trained: Trained, name: str) -> None:
        made = written(place.store(), trained)
        place.spoil(f"MADE/{made.version}/{name}", b"damaged")
        with pytest.raises(CorruptBundle):
            place.store().read("MADE", made.version)
        with pytest.raises(CorruptBundle):
            place.store().promote("MADE", made.version)
        assert place.store().serving("MADE") is None

    def test_an_unreadable_note_of_what_serves_is_none(self, place: Place, trained: Trained) -> None:
        made = written(place.store(), trained)
        place.store().promote("MADE", made.version)
        place.spoil("MADE/serving.json", b"[]")
        assert place.store().serving("MADE") is None

    def test_what_the_gate_objected_to_serves_only_by_force(self, place: Place, trained: Trained) -> None:
        made = place.store().write(trained.county, {**trained.papers, "objections": ["COD 99"]}, WHEN)
        with pytest.raises(Objected, match="COD 99"):
            place.store().promote("MADE", made.version)
        assert place.store().promote("MADE", made.version, force=True).version == made.version

    @pytest.mark.parametrize("version", ["", "..", "../x", "a/b", ".hidden"])
    def test_a_version_is_no_path(self, place: Place, version: str) -> None:
        for ask in (place.store().read, place.store().papers, place.store().promote):
            with pytest.raises(NoSuchBundle):
                ask("MADE", version)

    def test_a_manifest_is_read_without_its_arrays(self, place: Place, trained: Trained) -> None:
        made = written(place.store(), trained)
        place.spoil(f"MADE/{made.version}/arrays.bin", b"")
        assert place.store().papers("MADE", made.version)["study"] == made.manifest["study"]

    def test_a_kept_level_comes_back_as_it_was(self, place: Place, trained: Trained, sales: Sales) -> None:
        level = level_of(written(place.store(), trained).model, sales)
        place.store().keep_level("MADE", "v1", level)
        for pool in (sales.version, None):
            kept = place.store().level("MADE", "v1", pool)
            assert kept is not None
            assert kept.pool == sales.version
            assert kept.on(int(sales.day[-1])) == level.on(int(sales.day[-1]))
        assert place.store().level("MADE", "v1", "unknown") is None
        assert place.store().level("MADE", "v2") is None

    def test_only_the_last_levels_are_kept(self, place: Place, trained: Trained, sales: Sales) -> None:
        level = level_of(written(place.store(), trained).model, sales)
        store = place.store()
        for number in range(LEVELS_KEPT + 3):
            store.keep_level("MADE", "v1", replace(level, pool=f"pool{number:03d}"))
        assert len([key for key in sorted(place.keys()) if key.endswith(".level")]) == LEVELS_KEPT
