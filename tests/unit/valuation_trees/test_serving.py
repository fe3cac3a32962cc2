"""Announced bundles come into service beside the one that serves; bad ones never do."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from processor.training.train import Trained
from processor.valuation.frame import Sales
from processor.valuation.model.appraisal import MassAppraisal
from processor.valuation.model.bundle import Bundle
from processor.valuation.model.serving import TrainedEngines
from processor.valuation.model.store import ModelStore
from schemas.records import ModelRecord


class County:
    """What is announced of the one county, its pool, and a clock that stands until it is moved."""

    def __init__(self, root: Path, sales: Sales) -> None:
        self.store = ModelStore(root)
        self.record: ModelRecord | None = None
        self.sales = sales
        self.now = 0.0
        self.engines = TrainedEngines(self.store, lambda _: self.record, lambda _: self.sales, elapsed=lambda: self.now)

    def announce(self, bundle: Bundle, sha256: str | None = None) -> None:
        manifest = bundle.manifest
        self.record = ModelRecord(
            county_id="MADE",
            version=bundle.version,
            uri=f"MADE/{bundle.version}",
            sha256=sha256 or manifest["sha256"],
            trained_at="now",
            study={},
        )

    def engine(self) -> MassAppraisal | None:
        """Return what serves after everything under way has come to its end."""
        self.now += 100.0
        self.engines("MADE")
        self.engines.settle()
        found = self.engines("MADE")
        assert found is None or isinstance(found, MassAppraisal)
        return found


@pytest.fixture
def county(tmp_path: Path, sales: Sales) -> County:
    return County(tmp_path, sales)


@pytest.fixture
def two(county: County, trained: Trained) -> tuple[Bundle, Bundle]:
    papers = {**trained.papers, "objections": []}
    return (
        county.store.write(trained.county, papers, "now"),
        county.store.write(trained.county, papers | {"revision": "other"}, "now"),
    )


def test_nothing_announced_is_nothing_served(county: County) -> None:
    assert county.engine() is None


def test_the_first_engine_is_waited_for(county: County, two: tuple[Bundle, Bundle]) -> None:
    county.announce(two[0])
    found = county.engines("MADE")
    assert found is not None
    assert found.version == two[0].version


def test_another_announcement_takes_over(county: County, two: tuple[Bundle, Bundle]) -> None:
    for bundle in (*two, two[0]):
        county.announce(bundle)
        found = county.engine()
        assert found is not None
        assert found.version == bundle.version


def test_a_corrupt_bundle_is_refused_and_the_old_one_serves_on(county: County, two: tuple[Bundle, Bundle]) -> None:
    county.announce(two[0])
    county.engine()
    (two[1].directory / "arrays.bin").write_bytes(b"damaged")
    county.announce(two[1])
    found = county.engine()
    assert found is not None
    assert found.version == two[0].version


def test_a_bundle_that_is_not_the_announced_one_is_refused(county: County, two: tuple[Bundle, Bundle]) -> None:
    county.announce(two[0], sha256="0" * 64)
    assert county.engine() is None


def test_a_refused_bundle_is_tried_again_later(county: County, two: tuple[Bundle, Bundle], tmp_path: Path) -> None:
    away = tmp_path / "away"
    shutil.move(two[0].directory, away)
    county.announce(two[0])
    assert county.engine() is None
    shutil.move(away, two[0].directory)
    found = county.engine()
    assert found is not None


def test_new_sales_move_the_level_of_the_engine_in_service(county: County, two: tuple[Bundle, Bundle]) -> None:
    county.announce(two[0])
    before = county.engine()
    county.sales = replace(county.sales, price=county.sales.price * 1.1, version="dearer")
    after = county.engine()
    assert before is not None
    assert after is not None
    assert after is not before
    assert after.level.pool == "dearer"
    assert county.store.level("MADE", two[0].version, "dearer") is not None


def test_unchanged_sales_change_nothing(county: County, two: tuple[Bundle, Bundle]) -> None:
    county.announce(two[0])
    assert county.engine() is county.engine()


def test_a_withdrawn_model_serves_no_more(county: County, two: tuple[Bundle, Bundle]) -> None:
    county.announce(two[0])
    county.engine()
    county.record = None
    assert county.engine() is None


def test_an_engine_made_before_its_maker_was_noted_down_does_not_block_the_next(
    county: County, two: tuple[Bundle, Bundle], tmp_path: Path
) -> None:
    """The background may end first: whoever asked must not be left waiting on what is over."""
    shutil.move(two[0].directory, tmp_path / "away")
    county.announce(two[0])
    for _ in range(50):
        assert county.engine() is None
    shutil.move(tmp_path / "away", two[0].directory)
    assert county.engine() is not None
