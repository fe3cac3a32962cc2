import random
from collections.abc import Iterator

import numpy as np
import pytest

from processor.roll import PropertyRoll
from schemas.clock import day_number
from tests.unit.roll.builders import property_record, sale_record


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def roll(clock: Clock) -> Iterator[PropertyRoll]:
    return PropertyRoll(clock)  # type: ignore[return-value]


def test_a_sale_is_read_with_everything(roll: PropertyRoll) -> None:
    roll.apply_sales([sale_record("S1", document_number="D-7", living_area_sqft=1800, features={"roof": "Tile"})])
    sales = roll.sales("BENTON")
    assert len(sales) == 1
    assert sales.sale_id.tolist() == ["S1"]
    assert sales.property_id.tolist() == ["P1"]
    assert sales.document_number.tolist() == ["D-7"]
    assert sales.day.tolist() == [day_number("2026-01-31")]
    assert sales.known_day.tolist() == [day_number("2026-02-14")]
    assert sales.price.tolist() == [400_000.0]
    assert sales.ineligible.tolist() == [None]
    assert sales.frame.number("living_area_sqft").tolist() == [1800.0]
    assert sales.frame.words("roof").tolist() == ["Tile"]


def test_a_county_nobody_heard_of_has_no_sales_and_leaves_no_trace(roll: PropertyRoll) -> None:
    assert len(roll.sales("NOWHERE")) == 0
    assert roll.counties() == []


def test_a_sale_known_to_the_month_is_known_14_days_after_the_months_end(roll: PropertyRoll) -> None:
    roll.apply_sales([sale_record("S1", sale_date="2026-12-01", month_precision=True)])
    assert roll.sales("BENTON").known_day.tolist() == [day_number("2027-01-14")]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"eligible": True}, None),
        ({"eligible": None}, None),
        ({"eligible": False}, "not arm's length"),
        ({"eligible": False, "ineligible_reason": "sale_condition Family"}, "sale_condition Family"),
    ],
)
def test_an_ineligible_sale_keeps_its_reason(roll: PropertyRoll, fields: dict[str, object], reason: str | None) -> None:
    roll.apply_sales([sale_record("S1", **fields)])
    assert roll.sales("BENTON").ineligible.tolist() == [reason]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"sale_date": "31.1.2026"}, "sale:no_sale_date"),
        ({"sale_date": None}, "sale:no_sale_date"),
        ({"sale_date": 20260131}, "sale:no_sale_date"),
        ({"sale_price": 0}, "sale:no_sale_price"),
        ({"sale_price": -5}, "sale:no_sale_price"),
        ({"sale_price": "400000"}, "sale:no_sale_price"),
        ({"sale_price": True}, "sale:no_sale_price"),
        ({"property_id": ""}, "sale:no_property_id"),
        ({"property_id": 7}, "sale:no_property_id"),
    ],
)
def test_a_sale_without_date_price_or_property_is_counted(
    roll: PropertyRoll, fields: dict[str, object], reason: str
) -> None:
    roll.apply_sales([sale_record("S1", **fields), sale_record("S2")])
    assert roll.sales("BENTON").sale_id.tolist() == ["S2"]
    assert roll.rejected == {reason: 1}


def test_a_sale_without_characteristics_takes_them_from_the_roll(roll: PropertyRoll) -> None:
    roll.apply_properties([property_record("P1", living_area_sqft=1800, neighborhood="Queensgate")])
    gone = sale_record("S2", property_id="gone", sale_date="2026-02-02")
    roll.apply_sales([sale_record("S1"), gone, sale_record("S3", sale_date="2026-02-03", living_area_sqft=9)])
    frame = roll.sales("BENTON").frame
    np.testing.assert_array_equal(frame.number("living_area_sqft"), [1800.0, np.nan, 9.0])
    assert frame.words("neighborhood").tolist() == ["Queensgate", None, "Queensgate"]


def test_a_characteristic_as_of_the_sale_is_not_filled_from_today(roll: PropertyRoll) -> None:
    roll.apply_properties([property_record("P1", living_area_sqft=1800, year_renovated=2025)])
    roll.apply_sales(
        [
            sale_record("S1", living_area_sqft=1700, year_renovated=None),
            sale_record("S2", sale_date="2026-02-01", living_area_sqft=900, year_renovated=1990),
        ]
    )
    frame = roll.sales("BENTON").frame
    np.testing.assert_array_equal(frame.number("year_renovated"), [np.nan, 1990.0])


def test_todays_assessment_is_no_characteristic_of_a_sale(roll: PropertyRoll) -> None:
    roll.apply_properties([property_record("P1", living_area_sqft=1800, assessed_value=350_000)])
    roll.apply_sales([sale_record("S1"), sale_record("S2", stories=2)])
    frame = roll.sales("BENTON").frame
    assert frame.number("living_area_sqft").tolist() == [1800.0, 1800.0]
    assert np.isnan(frame.number("assessed_value")).all()


def test_a_change_of_a_joined_property_is_another_version(roll: PropertyRoll, clock: Clock) -> None:
    roll.apply_properties([property_record("P1", bedrooms=3), property_record("P2", bedrooms=3)])
    roll.apply_sales([sale_record("S1")])
    first = roll.sales("BENTON").version
    clock.now += 10
    roll.apply_properties([property_record("P2", bedrooms=4)])
    assert roll.sales("BENTON").version == first
    clock.now += 10
    roll.apply_properties([property_record("P1", bedrooms=4)])
    assert roll.sales("BENTON").version != first


def test_sales_loaded_before_their_properties_are_joined_later(roll: PropertyRoll, clock: Clock) -> None:
    roll.apply_sales([sale_record("S1")])
    before = roll.sales("BENTON")
    roll.apply_properties([property_record("P1", living_area_sqft=1800)])
    clock.now += 10
    after = roll.sales("BENTON")
    assert after.frame.number("living_area_sqft").tolist() == [1800.0]
    assert after.version != before.version


def test_the_version_names_the_content_whatever_the_order(clock: Clock) -> None:
    records = [sale_record(f"S{n}", sale_price=1000 + n) for n in range(50)]
    versions, days = set(), set()
    for seed in range(3):
        random.Random(seed).shuffle(records)  # noqa: S311 - an order, not a secret
        roll = PropertyRoll(clock)
        for record in records:
            roll.apply_sales([record])
        versions.add(roll.sales("BENTON").version)
        days.add(tuple(roll.sales("BENTON").sale_id))
    assert len(versions) == len(days) == 1


def test_another_price_is_another_version(roll: PropertyRoll, clock: Clock) -> None:
    roll.apply_sales([sale_record("S1")])
    first = roll.sales("BENTON").version
    roll.apply_sales([sale_record("S1", sale_price=1)])
    clock.now += 10
    assert roll.sales("BENTON").version != first
    roll.apply_sales([sale_record("S1")])
    clock.now += 10
    assert roll.sales("BENTON").version == first


def test_null_deletes_a_sale(roll: PropertyRoll) -> None:
    roll.apply_sales([sale_record("S1"), sale_record("S2")])
    roll.apply_sales([(b"BENTON/S1", None)])
    assert roll.sales("BENTON").sale_id.tolist() == ["S2"]


def test_an_unchanged_pool_gives_the_same_object(roll: PropertyRoll, clock: Clock) -> None:
    roll.apply_sales([sale_record("S1", bedrooms=3)])
    first = roll.sales("BENTON")
    clock.now += 100
    roll.apply_sales([sale_record("S1", bedrooms=3)])
    roll.apply_properties([property_record("P1", bedrooms=3)])
    assert roll.sales("BENTON") is first


def test_many_small_additions_do_not_rebuild_the_pool_each(roll: PropertyRoll, clock: Clock) -> None:
    snapshots = set()
    for n in range(1000):
        roll.apply_sales([sale_record(f"S{n}")])
        snapshots.add(roll.sales("BENTON").version)
        clock.now += 0.001
    clock.now += 1
    assert len(roll.sales("BENTON")) == 1000
    assert len(snapshots) <= 6


def test_a_snapshot_never_changes(roll: PropertyRoll, clock: Clock) -> None:
    roll.apply_sales([sale_record("S1", bedrooms=3)])
    old = roll.sales("BENTON")
    roll.apply_sales([sale_record("S1", bedrooms=9), sale_record("S2", bedrooms=4)])
    clock.now += 10
    assert len(roll.sales("BENTON")) == 2
    assert old.frame.number("bedrooms").tolist() == [3.0]


def test_a_reload_removes_sales_that_did_not_come_again(roll: PropertyRoll) -> None:
    roll.apply_sales([sale_record("S1"), sale_record("S2")])
    roll.begin_reload()
    roll.apply_sales([sale_record("S2")])
    roll.finish_reload()
    assert roll.sales("BENTON").sale_id.tolist() == ["S2"]
