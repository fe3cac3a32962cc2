import numpy as np

from processor.valuation.eligibility import judge
from processor.valuation.evidence import gather
from tests.unit.valuation.counties import County, county, objects, of_frame, with_numbers


def resold(whole: County, later: int, earlier: int, days: int, factor: float) -> None:
    """Turn one sale into the resale of another's property."""
    sales = whole.sales
    sales.property_id[later] = sales.property_id[earlier]
    sales.day[later] = sales.day[earlier] + days
    sales.price[later] = sales.price[earlier] * factor


def test_good_sales_are_all_eligible() -> None:
    assert set(judge(county(300).sales)) == {None}


def test_the_countys_own_verdict_stands() -> None:
    whole = county(50)
    whole.sales.ineligible[3] = "quit claim deed"
    assert judge(whole.sales)[3] == "quit claim deed"


def test_prices_that_are_none_and_prices_among_friends_are_excluded() -> None:
    whole = county(50)
    whole.sales.price[:5] = [0.0, -5.0, np.nan, np.inf, 1_200.0]
    reasons = judge(whole.sales)
    assert list(reasons[:4]) == ["price_not_positive"] * 4
    assert reasons[4] == "below_price_floor"
    assert set(reasons[5:]) == {None}


def test_impossible_records_are_excluded() -> None:
    whole = county(50)
    bedrooms = whole.frame.number("bedrooms").copy()
    year = whole.frame.number("year_built").copy()
    area = whole.frame.number("living_area_sqft").copy()
    bedrooms[0], year[1], year[2] = 33, 2_500, 19
    bedrooms[3], area[3] = 12, 700
    odd = with_numbers(whole.frame, bedrooms=bedrooms, year_built=year, living_area_sqft=area)
    reasons = judge(of_frame(whole, odd).sales)
    assert list(reasons[:5]) == ["impossible_record"] * 4 + [None]


def test_a_date_decades_away_from_the_others_is_excluded() -> None:
    whole = county(50)
    whole.sales.day[0] = -300_000
    whole.sales.day[-1] = 400_000
    reasons = judge(whole.sales)
    assert reasons[0] == reasons[-1] == "impossible_date"


def test_the_same_sale_under_two_ids_counts_once() -> None:
    whole = county(50)
    resold(whole, 9, 4, days=0, factor=1.0)
    reasons = judge(whole.sales)
    assert reasons[4] is None
    assert reasons[9] == "duplicate_sale"


def test_the_cheap_leg_of_a_flip_is_no_market_price() -> None:
    whole = county(50)
    resold(whole, 9, 4, days=100, factor=2.0)
    resold(whole, 19, 14, days=100, factor=1.1)
    reasons = judge(whole.sales)
    assert reasons[4] == "early_leg_of_a_flip"
    assert (reasons[9], reasons[14], reasons[19]) == (None, None, None)


def test_prices_per_square_foot_of_another_world_are_excluded() -> None:
    whole = county(50)
    whole.sales.price[0] *= 30
    assert judge(whole.sales)[0] == "unit_price_outlier"


def test_prices_that_no_market_explains_are_excluded_by_the_hedonic() -> None:
    whole = county(400)
    whole.sales.price[7] *= 5
    evidence, reasons = gather(whole.sales)
    assert reasons[7] == "ratio_outlier"
    assert evidence is not None
    assert "S00007" not in evidence.sales.sale_id
    assert sum(reason is not None for reason in reasons) == 1


def test_nothing_is_changed_in_the_sales_given() -> None:
    whole = county(100)
    whole.sales.price[7] *= 30
    before = [column.copy() for column in (whole.sales.price, whole.sales.ineligible, whole.frame.number("bedrooms"))]
    gather(whole.sales)
    after = (whole.sales.price, whole.sales.ineligible, whole.frame.number("bedrooms"))
    assert all(np.array_equal(left, right) for left, right in zip(before, after, strict=True))


def test_sales_of_nothing_are_judged_too() -> None:
    none = county(5).sales
    none.price[:] = 0
    evidence, reasons = gather(none)
    assert evidence is None
    assert set(reasons) == {"price_not_positive"}
    assert objects([]).shape == (0,)
