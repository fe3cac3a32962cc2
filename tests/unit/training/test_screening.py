"""Nothing is dropped silently, and nothing odd is dropped from a study."""

from dataclasses import replace

import numpy as np
import pytest

from processor.training.errors import EqualPrices, TooFewSales
from processor.training.screening import screen
from processor.valuation.frame import Sales
from tests.unit.training.county import made_sales, texts


def _with_price(row: int, price: float) -> Sales:
    sales = made_sales(300)
    prices = sales.price.copy()
    prices[row] = price
    return replace(sales, price=prices)


def test_a_clean_county_trains_on_every_sale() -> None:
    screened = screen(made_sales(300), None)
    assert len(screened.learn) == len(screened.counts) == 300


@pytest.mark.parametrize(("price", "reason"), [(1.0, "below_price_floor"), (float("nan"), "price_not_positive")])
def test_a_price_that_is_none_neither_trains_nor_counts(price: float, reason: str) -> None:
    screened = screen(_with_price(50, price), None)
    assert screened.verdicts[50] == reason
    assert 50 not in screened.learn
    assert 50 not in screened.counts


def test_a_price_that_nothing_explains_does_not_train_but_counts() -> None:
    sales = made_sales(300)
    screened = screen(_with_price(50, float(sales.price[50]) * 8), None)
    assert 50 not in screened.learn
    assert 50 in screened.counts
    assert screened.reasons(np.arange(300)) == {screened.verdicts[50]: 1}


def test_an_impossible_record_does_not_train_but_counts() -> None:
    sales = made_sales(300)
    sales.frame.numeric["bedrooms"][50] = 33.0
    screened = screen(sales, None)
    assert screened.verdicts[50] == "impossible_record"
    assert 50 in screened.counts


def test_what_the_county_declares_no_market_sale_neither_trains_nor_counts() -> None:
    declared = texts(["family sale" if row == 50 else "" for row in range(300)])
    declared[declared == ""] = None
    screened = screen(replace(made_sales(300), ineligible=declared), None)
    assert 50 not in screened.learn
    assert 50 not in screened.counts


def test_later_sales_neither_train_nor_decide_on_training() -> None:
    """A resale after the day must not make its earlier leg a flip: nobody knew."""
    sales = made_sales(300)
    day = int(sales.day[200])
    property_id = sales.property_id.copy()
    property_id[299] = property_id[150]
    prices = sales.price.copy()
    prices[299] = prices[150] * 3
    flipped = replace(sales, property_id=property_id, price=prices)
    assert 150 not in screen(flipped, None).learn
    known = screen(flipped, day)
    assert 150 in known.learn
    assert known.sales.day[known.learn].max() < day
    assert 299 in known.counts


def test_the_order_of_the_rows_does_not_matter() -> None:
    sales = made_sales(300)
    order = np.random.default_rng(0).permutation(300)
    shuffled = replace(
        sales,
        **{
            name: getattr(sales, name)[order]
            for name in ("sale_id", "property_id", "document_number", "day", "known_day", "price", "ineligible")
        },
        frame=sales.frame.take(order),
    )
    assert np.array_equal(screen(sales, None).sales.sale_id, screen(shuffled, None).sales.sale_id)


def test_too_few_sales_are_refused_with_the_reasons() -> None:
    sales = made_sales(60)
    prices = np.where(np.arange(60) < 20, 1.0, sales.price)
    with pytest.raises(TooFewSales, match="20 below_price_floor"):
        screen(replace(sales, price=prices), None)


def test_no_sales_at_all_are_too_few() -> None:
    with pytest.raises(TooFewSales):
        screen(made_sales(0), None)


def test_equal_prices_are_refused_with_the_price() -> None:
    sales = made_sales(80)
    with pytest.raises(EqualPrices, match="250,000"):
        screen(replace(sales, price=np.full(len(sales), 250_000.0)), None)
