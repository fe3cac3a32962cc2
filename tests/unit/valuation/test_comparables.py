import json
import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from processor.valuation.comparables import ComparablesEngine
from processor.valuation.evidence import taken
from processor.valuation.frame import Engine, Frame, InsufficientData, Subjects
from schemas.clock import iso_date
from schemas.events import Valuation
from tests.unit.valuation.counties import (
    AFTER,
    FIRST_DAY,
    County,
    county,
    first,
    houses,
    shuffled,
    subjects,
    with_numbers,
    without,
)


@pytest.fixture(scope="module")
def benton() -> County:
    return county()


@pytest.fixture(scope="module")
def engine(benton: County) -> ComparablesEngine:
    return ComparablesEngine("BENTON", benton.sales)


def results(engine: Engine, asked: Subjects) -> list[dict[str, Any]]:
    """Value properties that must all get a value; amounts as exact decimals."""
    answers = engine.value(asked)
    assert all(isinstance(answer, bytes) for answer in answers)
    return [json.loads(answer, parse_float=Decimal) for answer in answers if isinstance(answer, bytes)]


def test_a_result_has_the_members_of_the_contract(engine: ComparablesEngine, benton: County) -> None:
    answers = engine.value(benton.subjects(range(50)))
    for answer in answers:
        assert isinstance(answer, bytes)
        assert set(Valuation.model_fields) == set(Valuation.model_validate_json(answer).model_dump())
        assert set(json.loads(answer)) == set(Valuation.model_fields)


def test_base_contributions_and_local_correction_add_up_to_the_cent(engine: ComparablesEngine, benton: County) -> None:
    for result in results(engine, benton.subjects(range(800))):
        parts = sum((Decimal(one["dollars"]) for one in result["contributions"]), Decimal(result["base_value"]))
        assert parts + Decimal(result["local_correction"]) == Decimal(result["unrounded_value"])
        assert result["estimated_value"] % 100 == 0
        assert abs(result["estimated_value"] - result["unrounded_value"]) <= 50
        assert result["land_value"] + result["improvement_value"] == result["estimated_value"]
        assert min(result["land_value"], result["improvement_value"]) > 0
        assert 0 < result["value_low"] <= result["estimated_value"] <= result["value_high"]


def test_each_comparables_lines_add_up_to_its_adjusted_price(engine: ComparablesEngine, benton: County) -> None:
    for result in results(engine, benton.subjects(range(800))):
        assert [one["sale_id"] for one in result["comparables"]] == result["comparables_used"]
        assert len(set(result["comparables_used"])) == 5
        for one in result["comparables"]:
            lines = sum((Decimal(line["amount"]) for line in one["adjustments"]), Decimal(0))
            assert Decimal(one["sale_price"]) + Decimal(one["time_adjustment"]) + lines == Decimal(
                one["adjusted_price"]
            )
        assert float(sum(one["weight"] for one in result["comparables"])) == pytest.approx(1, abs=3e-4)


def test_the_value_is_the_weighted_mean_of_its_approaches(engine: ComparablesEngine, benton: County) -> None:
    for result in results(engine, benton.subjects(range(100))):
        approaches = result["approaches"].values()
        mean = sum(float(one["value"]) * float(one["weight"]) for one in approaches)
        assert mean == pytest.approx(float(result["unrounded_value"]), rel=1e-4)
        logs = [np.log(float(one["adjusted_price"])) for one in result["comparables"]]
        compared = float(result["approaches"]["sales_comparison"]["value"])
        mean = np.exp(np.average(logs, weights=[float(one["weight"]) for one in result["comparables"]]))
        assert mean == pytest.approx(compared, rel=5e-4)


def test_comparables_are_eligible_and_shown_as_they_were_sold(engine: ComparablesEngine, benton: County) -> None:
    sales = benton.sales
    rows = {sale_id: row for row, sale_id in enumerate(sales.sale_id.tolist())}
    for result in results(engine, benton.subjects(range(60))):
        for one in result["comparables"]:
            row = rows[one["sale_id"]]
            assert engine.verdicts[row] is None
            assert one["sale_price"] == sales.price[row]
            assert one["sale_date"] == iso_date(int(sales.day[row]))
            assert (one["property_id"], one["document_number"]) == (sales.property_id[row], sales.document_number[row])


def test_a_property_is_never_compared_with_its_own_sale(engine: ComparablesEngine, benton: County) -> None:
    for row, result in enumerate(results(engine, benton.subjects(range(300)))):
        assert f"S{row:05d}" not in result["comparables_used"]


def test_a_property_sold_twice_is_shown_once_with_its_latest_sale() -> None:
    whole = county(300, seed=2)
    again = np.concatenate([np.arange(300), np.arange(300)])
    sales = taken(whole.sales, again)
    sales.sale_id[300:] = [f"{one}-again" for one in sales.sale_id[300:]]
    sales.day[300:] = whole.sales.day.max() + 1
    engine = ComparablesEngine("RESOLD", sales)
    for result in results(engine, whole.subjects(range(100), own=False)):
        assert all(one.endswith("-again") for one in result["comparables_used"])
        assert len(set(result["comparables_used"])) == 5


def test_a_stranger_just_like_a_sold_property_is_compared_with_it(engine: ComparablesEngine, benton: County) -> None:
    found = results(engine, benton.subjects(range(300), own=False))
    used = [f"S{row:05d}" in result["comparables_used"] for row, result in enumerate(found)]
    assert np.mean(used) > 0.95


@pytest.mark.parametrize("days", [40, 200, 700])
def test_no_comparable_is_sold_on_or_after_the_valuation_date(
    engine: ComparablesEngine, benton: County, days: int
) -> None:
    date = FIRST_DAY + days
    asked = benton.subjects(range(200), day=date)
    for result in results(engine, asked):
        assert result["valuation_date"] == iso_date(date)
        assert max(one["sale_date"] for one in result["comparables"]) < iso_date(date)


def test_a_sale_on_the_valuation_date_itself_is_too_late(engine: ComparablesEngine, benton: County) -> None:
    for row in range(100, 140):
        twin = benton.subjects([row], day=int(benton.sales.day[row]), own=False)
        assert f"S{row:05d}" not in results(engine, twin)[0]["comparables_used"]
        twin = benton.subjects([row], day=int(benton.sales.day[row]) + 1, own=False)
        assert f"S{row:05d}" in results(engine, twin)[0]["comparables_used"]


def test_a_row_has_the_same_bytes_alone_and_in_any_batch(engine: ComparablesEngine, benton: County) -> None:
    everyone = benton.subjects(range(256))
    together = engine.value(everyone)
    order = np.random.default_rng(3).permutation(256)
    mixed = engine.value(benton.subjects(order))
    for place, row in enumerate(order.tolist()):
        assert mixed[place] == together[row]
    for row in range(256):
        assert engine.value(benton.subjects([row])) == [together[row]]


def test_the_same_sales_give_the_same_bytes_in_any_order(engine: ComparablesEngine, benton: County) -> None:
    other = ComparablesEngine("BENTON", shuffled(benton.sales))
    assert other.version == engine.version
    assert other.value(benton.subjects(range(100))) == engine.value(benton.subjects(range(100)))


DIGEST = """
import hashlib
from processor.valuation.comparables import ComparablesEngine
from tests.unit.valuation.counties import county
whole = county(3_000)
engine = ComparablesEngine("BENTON", whole.sales)
answers = engine.value(whole.subjects(range(500)))
fit = engine._evidence.fit
parts = [*answers, *(one.tobytes() for one in (fit.left_out, fit.residual, fit.effects, *fit.hedonic.coefficients))]
print(hashlib.sha256(b"".join(parts)).hexdigest())
"""


def test_the_number_of_threads_changes_no_bit() -> None:
    digests = set()
    for threads in ("1", "2"):
        environment = os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, capture_output=True, check=True, text=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_the_order_of_sales_that_are_alike_does_not_matter() -> None:
    whole = county(120)
    flats = taken(whole.sales, np.repeat(np.arange(12), 10))
    flats.sale_id[:] = [f"F{row:03d}" for row in range(120)]
    flats.property_id[:] = [f"flat-{row}" for row in range(120)]
    asked = subjects(whole.frame.take(np.arange(12)))
    expected = ComparablesEngine("FLATS", flats).value(asked)
    for seed in range(5):
        assert ComparablesEngine("FLATS", shuffled(flats, seed)).value(asked) == expected


def test_other_sales_give_another_version(engine: ComparablesEngine, benton: County) -> None:
    other = ComparablesEngine("BENTON", replace(benton.sales, version="other"))
    assert other.version != engine.version
    assert other.version.startswith("comparables-")
    assert results(other, benton.subjects([1]))[0]["model_version"] == other.version


def test_identical_properties_get_identical_values(engine: ComparablesEngine) -> None:
    frame, _ = houses(40, seed=9)
    twice = results(engine, subjects(frame.take(np.repeat(np.arange(40), 2))))
    for left, right in zip(twice[::2], twice[1::2], strict=True):
        assert left == right


@pytest.mark.parametrize(("sold", "valued"), [(0, False), (1, False), (2, False), (3, True), (4, True)])
def test_a_value_needs_three_eligible_sales(benton: County, sold: int, valued: bool) -> None:  # noqa: FBT001 - a case
    engine = ComparablesEngine("SMALL", first(benton.sales, sold))
    asked = benton.subjects([5], own=False)
    answer = engine.value(Subjects(asked.property_id, benton.frame.take(np.array([1])), asked.day, asked.method_hint))[
        0
    ]
    assert isinstance(answer, bytes) == valued
    if isinstance(answer, bytes):
        assert "few_sales" in json.loads(answer)["flags"]
        assert json.loads(answer)["confidence_score"] < 0.75
    else:
        assert "three" in answer.message or "3 are needed" in answer.message


def test_the_subjects_own_sale_does_not_count_towards_the_three(benton: County) -> None:
    engine = ComparablesEngine("SMALL", first(benton.sales, 3))
    answers = engine.value(benton.subjects([0, 1, 2]))
    assert all(isinstance(answer, InsufficientData) for answer in answers)


def test_sales_excluded_by_the_county_are_no_evidence(benton: County) -> None:
    reasons = benton.sales.ineligible.copy()
    reasons[3:] = "not_arms_length"
    engine = ComparablesEngine("SMALL", replace(benton.sales, ineligible=reasons))
    found = results(engine, benton.subjects([700], own=False))[0]
    assert set(found["comparables_used"]) <= {"S00000", "S00001", "S00002"}


def test_values_are_close_to_the_truth_and_intervals_cover_it(engine: ComparablesEngine) -> None:
    frame, worth = houses(1_000, seed=77)
    truth = worth * np.exp(0.05 * (AFTER - FIRST_DAY) / 365)
    price = truth * np.exp(np.random.default_rng(8).normal(0, 0.12, 1_000))
    found = results(engine, subjects(frame))
    value = np.array([float(one["unrounded_value"]) for one in found])
    low, high = (np.array([float(one[name]) for one in found]) for name in ("value_low", "value_high"))
    assert np.median(value / truth) == pytest.approx(1, abs=0.02)
    assert np.median(np.abs(value / truth - 1)) < 0.05
    assert 0.86 < np.mean((low <= price) & (price <= high)) < 0.95


def test_a_rising_market_raises_values_and_old_prices(engine: ComparablesEngine, benton: County) -> None:
    early = results(engine, benton.subjects(range(400, 450), day=FIRST_DAY + 500))
    late = results(engine, benton.subjects(range(400, 450)))
    ratio = [float(b["unrounded_value"]) / float(a["unrounded_value"]) for a, b in zip(early, late, strict=True)]
    assert np.median(ratio) == pytest.approx(np.exp(0.05 * (AFTER - FIRST_DAY - 500) / 365), abs=0.03)
    assert all(one["time_adjustment"] > 0 for result in late for one in result["comparables"][:1] if result)
    assert all(result["market_index"]["level"] > 1.05 for result in late)


def test_more_living_area_is_worth_more(engine: ComparablesEngine, benton: County) -> None:
    frame = benton.frame.take(np.arange(100))
    larger = with_numbers(frame, living_area_sqft=frame.number("living_area_sqft") * 1.2)
    before = [float(one["unrounded_value"]) for one in results(engine, subjects(frame))]
    after = [float(one["unrounded_value"]) for one in results(engine, subjects(larger))]
    assert np.median(np.array(after) / np.array(before)) == pytest.approx(1.2**0.7, abs=0.04)


def test_unknown_characteristics_are_named_and_widen_the_interval(engine: ComparablesEngine, benton: County) -> None:
    frame = benton.frame.take(np.arange(50))
    known = results(engine, subjects(frame))
    fewer = results(engine, subjects(without(frame, "quality")))
    for left, right in zip(known, fewer, strict=True):
        assert "quality" not in left["inputs_imputed"]
        assert right["inputs_imputed"] == ["quality"]
        assert left["inputs_hash"] != right["inputs_hash"]
    width = [float(np.mean([float(one["fsd"]) for one in found])) for found in (known, fewer)]
    assert width[1] > 1.2 * width[0]


def test_a_method_that_is_not_at_hand_is_flagged(engine: ComparablesEngine, benton: County) -> None:
    asked = benton.subjects([1, 1, 1])
    hints = ["cost", "Sales-Comparison", None]
    found = results(engine, Subjects(asked.property_id, asked.frame, asked.day, hints))
    flags = ["method_hint_not_available" in one["flags"] for one in found]
    assert flags == [True, False, False]


def test_no_subjects_give_no_results(engine: ComparablesEngine) -> None:
    assert engine.value(Subjects([], Frame(0, {}, {}), np.zeros(0, dtype=np.int64), [])) == []
