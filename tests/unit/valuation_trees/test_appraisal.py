"""What the trained engine promises about every single result."""

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest

from processor.training.train import Trained
from processor.valuation.frame import Frame, InsufficientData, Sales, Subjects
from processor.valuation.model.appraisal import MassAppraisal
from processor.valuation.model.bundle import Bundle
from processor.valuation.model.store import ModelStore
from schemas.clock import iso_date
from schemas.events import Valuation
from tests.unit.training.county import DAYS, FIRST_DAY, made_sales
from tests.unit.valuation_trees.conftest import AS_OF

TODAY = FIRST_DAY + DAYS + 20
HOUSE: dict[str, object] = {
    "living_area_sqft": 1800.0,
    "lot_size_sqft": 7000.0,
    "quality": 3.0,
    "year_built": 1975.0,
    "bedrooms": 3.0,
    "latitude": 45.02,
    "longitude": -120.01,
    "neighborhood": "Area 0",
}


def _subjects(sales: Sales, rows: Any, day: int = TODAY) -> Subjects:
    rows = np.asarray(rows)
    return Subjects(
        sales.property_id[rows].tolist(), sales.frame.take(rows), np.full(len(rows), day), [None] * len(rows)
    )


def _one(
    engine: MassAppraisal, record: dict[str, object], *, day: int = TODAY, hint: str | None = None, own: str = "X"
) -> bytes | InsufficientData:
    return engine.value(Subjects([own], Frame.from_records([record]), np.array([day]), [hint]))[0]


def _result(
    engine: MassAppraisal, record: dict[str, object], *, day: int = TODAY, hint: str | None = None, own: str = "X"
) -> dict[str, Any]:
    found = _one(engine, record, day=day, hint=hint, own=own)
    assert isinstance(found, bytes), found
    result: dict[str, Any] = orjson.loads(found)
    return result


def _results(engine: MassAppraisal, subjects: Subjects) -> list[dict[str, Any]]:
    return [orjson.loads(found) for found in engine.value(subjects) if isinstance(found, bytes)]


def test_a_result_is_what_the_contract_describes(engine: MassAppraisal) -> None:
    Valuation.model_validate(_result(engine, HOUSE))


def test_explanations_of_ten_thousand_properties_add_up_to_the_cent(engine: MassAppraisal) -> None:
    results = _results(engine, _subjects(made_sales(10_000, seed=9), np.arange(10_000)))
    assert len(results) == 10_000
    for result in results:
        explained = result["base_value"] + sum(line["dollars"] for line in result["contributions"])
        assert abs(explained + result["local_correction"] - result["unrounded_value"]) < 0.005


def test_comparables_add_up_to_their_adjusted_price(engine: MassAppraisal, sales: Sales) -> None:
    for result in _results(engine, _subjects(sales, np.arange(200))):
        for sale in result["comparables"]:
            adjusted = (
                sale["sale_price"] + sale["time_adjustment"] + sum(line["amount"] for line in sale["adjustments"])
            )
            assert abs(adjusted - sale["adjusted_price"]) < 0.005


@pytest.mark.parametrize("day", [TODAY, FIRST_DAY + 300, FIRST_DAY + 60])
def test_comparables_are_earlier_sales_of_other_properties(engine: MassAppraisal, sales: Sales, day: int) -> None:
    owner = dict(zip(sales.sale_id.tolist(), sales.property_id.tolist(), strict=True))
    subjects = _subjects(sales, np.arange(0, 700, 3), day)
    for property_id, result in zip(subjects.property_id, _results(engine, subjects), strict=True):
        assert result["comparables_used"]
        assert result["comparables_used"] == [sale["sale_id"] for sale in result["comparables"]]
        for sale in result["comparables"]:
            assert sale["sale_date"] < iso_date(day)
            assert owner[sale["sale_id"]] != property_id


def test_a_property_with_more_own_sales_than_candidates_finds_others(engine: MassAppraisal, sales: Sales) -> None:
    result = _results(engine, _subjects(sales, [0], FIRST_DAY + 25))
    assert all(sale["sale_date"] < iso_date(FIRST_DAY + 25) for sale in result[0]["comparables"])


def test_identical_properties_get_identical_values_whether_sold_or_not(engine: MassAppraisal, sales: Sales) -> None:
    rows = np.arange(0, 500, 7)
    sold = _subjects(sales, rows)
    twins = replace(sold, property_id=[f"never sold {row}" for row in rows])
    names = ("unrounded_value", "value_low", "value_high", "base_value", "contributions", "inputs_hash")
    for one, other in zip(_results(engine, sold), _results(engine, twins), strict=True):
        assert [one[name] for name in names] == [other[name] for name in names]


@pytest.mark.parametrize("size", [1, 7, 32, 33])
def test_results_are_the_same_bytes_in_any_batch(engine: MassAppraisal, sales: Sales, size: int) -> None:
    rows = np.arange(100)
    whole = engine.value(_subjects(sales, rows))
    parts = [engine.value(_subjects(sales, rows[at : at + size])) for at in range(0, 100, size)]
    assert [found for part in parts for found in part] == whole


def test_results_are_the_same_bytes_after_a_restart_and_in_two_threads(
    bundle: Bundle, store: ModelStore, sales: Sales
) -> None:
    engines = [MassAppraisal(store.read("MADE", bundle.version), sales) for _ in range(2)]
    found: dict[int, list[bytes | InsufficientData]] = {}

    def work(at: int) -> None:
        found[at] = [one for _ in range(5) for one in engines[at].value(_subjects(sales, np.arange(300)))]

    threads = [threading.Thread(target=work, args=(at,)) for at in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]


def test_newer_sales_move_the_level_and_are_named(bundle: Bundle, sales: Sales) -> None:
    late = sales.day >= AS_OF
    dearer = replace(sales, price=np.where(late, sales.price * 1.2, sales.price), version="dearer")
    before, after = (_result(MassAppraisal(bundle, pool), HOUSE, day=TODAY) for pool in (sales, dearer))
    assert 1.1 < after["unrounded_value"] / before["unrounded_value"] < 1.25
    assert before["market_index"]["correction_version"] != after["market_index"]["correction_version"]
    assert after["market_index"]["correction_version"].startswith("dearer")
    assert before["model_version"] == after["model_version"]


def test_a_renewed_engine_equals_a_new_one(bundle: Bundle, engine: MassAppraisal, sales: Sales) -> None:
    pool = replace(sales, price=sales.price * 1.05, version="other")
    assert _one(engine.renewed(pool), HOUSE) == _one(MassAppraisal(bundle, pool), HOUSE)
    assert _one(engine, HOUSE) != _one(engine.renewed(pool), HOUSE)


def test_an_ordinary_house_is_valued_without_flags_and_near_its_price(engine: MassAppraisal) -> None:
    result = _result(engine, HOUSE, day=AS_OF + 60)
    expected = np.exp(7.0 + 0.7 * np.log(1800) + 0.06 * np.log(7000) + 0.27 + 0.01 + 0.3 + 0.05 * (DAYS - 60) / 365)
    assert result["flags"] == []
    assert abs(np.log(result["unrounded_value"] / expected)) < 0.12
    assert result["value_low"] < expected < result["value_high"]


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"bedrooms": 30.0}, "bedrooms"),
        ({"living_area_sqft": 0.0}, "living_area_sqft"),
        ({"living_area_sqft": None}, "living_area_unknown"),
        ({"living_area_sqft": 90_000.0}, "living_area_sqft"),
        ({"latitude": 45.4, "longitude": -121.0}, "outside_market_area"),
        ({"latitude": None, "longitude": None}, "location_unknown"),
        ({"neighborhood": "Nowhere"}, "not_among_sales:neighborhood"),
        ({"year_built": 3020.0}, "year_built"),
        ({"lot_size_sqft": 1e8}, "lot_size_sqft"),
    ],
)
def test_a_property_unlike_any_sold_gets_a_flag_and_a_wider_interval_or_no_value(
    engine: MassAppraisal, change: dict[str, object], flag: str
) -> None:
    usual = _result(engine, HOUSE)
    found = _one(engine, {name: value for name, value in (HOUSE | change).items() if value is not None})
    if isinstance(found, InsufficientData):
        return
    result = orjson.loads(found)
    assert any(flag in one for one in result["flags"]), result["flags"]
    assert result["fsd"] > 1.2 * usual["fsd"]
    assert result["confidence_score"] < usual["confidence_score"]


@pytest.mark.parametrize("record", [{}, {"neighborhood": "Area 0"}, HOUSE | {"latitude": 10.0, "longitude": 10.0}])
def test_too_little_evidence_is_no_value(engine: MassAppraisal, record: dict[str, object]) -> None:
    assert isinstance(_one(engine, record), InsufficientData)


def test_an_unknown_input_is_named_and_filled_in(engine: MassAppraisal) -> None:
    record = {name: value for name, value in HOUSE.items() if name != "quality"}
    result = _result(engine, record)
    assert "quality" in result["inputs_imputed"]
    assert result["fsd"] > _result(engine, HOUSE)["fsd"]


@pytest.mark.parametrize(
    ("hint", "used"),
    [
        (None, "reconciled"),
        ("", "reconciled"),
        ("model", "model"),
        ("Sales Comparison", "sales_comparison"),
        ("comparables", "sales_comparison"),
        ("cost", "cost"),
    ],
)
def test_the_method_asked_for_is_reported_and_explained(engine: MassAppraisal, hint: str | None, used: str) -> None:
    result = _result(engine, HOUSE, hint=hint)
    assert result["valuation_method_used"] == used
    assert result["unrounded_value"] == pytest.approx(result["approaches"][used]["value"], abs=0.006)
    assert "method_hint_not_available" not in result["flags"]
    total = result["base_value"] + sum(line["dollars"] for line in result["contributions"]) + result["local_correction"]
    assert total == pytest.approx(result["unrounded_value"], abs=0.005)


def test_a_method_that_does_not_exist_here_is_flagged_and_the_usual_one_reported(engine: MassAppraisal) -> None:
    result = _result(engine, HOUSE, hint="income")
    assert result["valuation_method_used"] == "reconciled"
    assert "method_hint_not_available" in result["flags"]


def test_before_the_first_sales_there_are_no_comparables_and_the_model_stands_alone(engine: MassAppraisal) -> None:
    result = _result(engine, HOUSE, day=FIRST_DAY)
    assert result["comparables"] == []
    assert result["valuation_method_used"] == "model"
    assert "few_comparables" in result["flags"]


def test_land_and_improvements_make_up_the_value(engine: MassAppraisal, sales: Sales) -> None:
    for result in _results(engine, _subjects(sales, np.arange(100))):
        assert result["land_value"] + result["improvement_value"] == result["estimated_value"]
        assert result["land_value"] >= 0


def test_long_after_the_last_sale_values_are_flagged_and_wide(engine: MassAppraisal) -> None:
    result, later = _result(engine, HOUSE), _result(engine, HOUSE, day=TODAY + 2000)
    assert "model_older_than_90_days" in later["flags"]
    assert later["market_index"]["extrapolated"]
    assert later["fsd"] > 1.5 * result["fsd"]


def test_a_county_without_coordinates_is_valued_by_areas_and_similar_sales(
    trained_without_map: Trained, store: ModelStore
) -> None:
    bundle = store.write(trained_without_map.county, {**trained_without_map.papers, "objections": []}, "now")
    record = {name: value for name, value in HOUSE.items() if name not in {"latitude", "longitude"}}
    result = _result(MassAppraisal(bundle), record)
    assert "location_unknown" not in result["flags"]
    assert len(result["comparables"]) == 5


@pytest.fixture(scope="module")
def trained_without_map() -> Trained:
    from processor.training.train import train  # noqa: PLC0415 - only here

    return train("MAPLESS", made_sales(400, located=False))
