"""A training is repeatable, honest about what it has not seen, and publishes only what passes."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from processor.ratio_study import Interval
from processor.training.publish import publish
from processor.training.train import Trained, train
from processor.valuation.frame import Sales
from processor.valuation.model.store import ModelStore
from tests.unit.training.county import DAYS, FIRST_DAY, made_sales

if TYPE_CHECKING:
    from processor.valuation.model.bundle import Bundle

AS_OF = FIRST_DAY + DAYS - 120


@pytest.fixture(scope="module")
def sales() -> Sales:
    return made_sales(500, seed=8)


@pytest.fixture(scope="module")
def trained(sales: Sales) -> Trained:
    return train("MADE", sales, as_of=AS_OF)


def _shuffled(sales: Sales) -> Sales:
    order = np.random.default_rng(4).permutation(len(sales))
    names = ("sale_id", "property_id", "document_number", "day", "known_day", "price", "ineligible")
    return replace(sales, **{name: getattr(sales, name)[order] for name in names}, frame=sales.frame.take(order))


def test_training_twice_gives_the_same_version_whatever_the_order_of_the_sales(
    trained: Trained, sales: Sales, tmp_path: Path
) -> None:
    again = train("MADE", _shuffled(sales), as_of=AS_OF)
    store = ModelStore(tmp_path)
    assert (
        store.write(trained.county, trained.papers, "a").version == store.write(again.county, again.papers, "b").version
    )


def test_another_process_on_one_core_with_one_thread_trains_the_same_version(trained: Trained, tmp_path: Path) -> None:
    program = f"""
import os, sys
from pathlib import Path
os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}})
from processor.training.train import train
from processor.valuation.model.store import ModelStore
from tests.unit.training.county import made_sales
found = train("MADE", made_sales(500, seed=8), as_of={AS_OF})
print(ModelStore(Path(sys.argv[1])).write(found.county, found.papers, "there").version)
"""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "there")],
        env={**os.environ, **threads, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    assert done.stdout.strip() == ModelStore(tmp_path / "here").write(trained.county, trained.papers, "here").version


def test_the_study_counts_every_later_sale(trained: Trained, sales: Sales) -> None:
    assert trained.study.n == int((sales.day >= AS_OF).sum())
    assert trained.papers["sales"]["trained_on"] <= int((sales.day < AS_OF).sum())


def test_the_model_is_about_as_good_as_the_noise_allows(trained: Trained) -> None:
    assert trained.study.cod is not None
    assert trained.study.cod < 11.5
    assert 0.95 < trained.study.median_ratio < 1.05


def test_prices_after_the_day_do_not_reach_the_model(trained: Trained, sales: Sales) -> None:
    late = sales.day >= AS_OF
    other = train("MADE", replace(sales, price=np.where(late, sales.price * 1.1, sales.price)), as_of=AS_OF)
    assert np.array_equal(other.county.model.trees.leaf, trained.county.model.trees.leaf)
    assert np.array_equal(other.county.spread.down, trained.county.spread.down)
    assert other.study.median_ratio < trained.study.median_ratio


def test_without_a_day_the_last_months_are_studied_by_a_model_that_ended_before(sales: Sales) -> None:
    found = train("MADE", sales)
    assert found.papers["sales"]["trained_on"] == 500
    assert 60 <= found.study.n < 200
    assert found.study.coverage_90 is not None
    assert 75 < found.study.coverage_90 <= 100


def test_progress_is_reported_to_the_end(sales: Sales) -> None:
    told: list[tuple[str, int, int]] = []
    train("MADE", sales, report=lambda doing, done, total: told.append((doing, done, total)))
    assert told[-1][1] == told[-1][2]
    assert len({doing for doing, _, _ in told}) >= 4


def test_a_model_that_passes_serves_and_is_announced(trained: Trained, sales: Sales, tmp_path: Path) -> None:
    announced: list[Bundle] = []
    store = ModelStore(tmp_path)
    found = publish(trained, sales, store, announced.append, trained_at="now")
    assert found.published
    assert found.reasons == []
    assert store.serving("MADE") == found.bundle.version
    assert [one.version for one in announced] == [found.bundle.version]
    assert store.level("MADE", found.bundle.version) is not None


def _refused(trained: Trained) -> Trained:
    return replace(trained, study=replace(trained.study, median_ratio=1.5, median_ci=Interval(1.4, 1.6)))


def test_a_model_that_fails_does_not_serve_and_the_reasons_are_told(
    trained: Trained, sales: Sales, tmp_path: Path
) -> None:
    announced: list[Bundle] = []
    store = ModelStore(tmp_path)
    good = publish(trained, sales, store, announced.append, trained_at="now")
    bad = publish(_refused(trained), sales, store, announced.append, trained_at="now")
    assert not bad.published
    assert any("median ratio" in reason for reason in bad.reasons)
    assert store.serving("MADE") == good.bundle.version
    assert len(announced) == 1


def test_force_publishes_what_fails_and_still_tells_the_reasons(trained: Trained, sales: Sales, tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    found = publish(_refused(trained), sales, store, lambda _: None, trained_at="now", force=True)
    assert found.published
    assert found.reasons
    assert store.serving("MADE") == found.bundle.version


def test_the_document_has_the_members_of_the_contract(trained: Trained, sales: Sales, tmp_path: Path) -> None:
    document = publish(trained, sales, ModelStore(tmp_path), lambda _: None, trained_at="now").document()
    assert list(document)[:5] == ["county_id", "version", "published", "reasons", "study"]
    study = document["study"]
    assert isinstance(study, dict)
    assert list(study) == [
        "n", "median_ratio", "median_ci", "mean_ratio", "weighted_mean_ratio", "cod", "cod_ci", "prd", "prd_ci",
        "prb", "prb_ci", "vei", "vei_significance", "mki", "mdape", "within_5", "within_10", "within_20", "r2",
        "coverage_90",
    ]  # fmt: skip


def test_what_a_study_leaves_out_is_named_with_the_reason(sales: Sales) -> None:
    later = np.flatnonzero(sales.day >= AS_OF)
    price, declared = sales.price.copy(), sales.ineligible.copy()
    price[later[0]], declared[later[1]] = 0.0, "family sale"
    studied = train("MADE", replace(sales, price=price, ineligible=declared), as_of=AS_OF).papers["studied"]
    assert studied == {
        "given": len(later),
        "counted": len(later) - 2,
        "left_out": {"family sale": 1, "price_not_positive": 1},
    }
