"""The figures behind a study's charts say what the study says."""

import numpy as np
import pytest

from processor.training.portrait import market_index, portrait
from processor.training.study import Studied
from processor.valuation.frame import Sales
from processor.valuation.model.market import Index
from tests.unit.training.county import made_sales

N = 400


@pytest.fixture(scope="module")
def sales() -> Sales:
    return made_sales(N, seed=5)


@pytest.fixture(scope="module")
def studied(sales: Sales) -> Studied:
    value = sales.price * np.random.default_rng(6).normal(0.95, 0.1, N)
    return Studied(np.arange(N), sales.price, value, value * 0.8, value * 1.2)


def test_every_sale_is_in_one_decile_one_month_and_one_bar(sales: Sales, studied: Studied) -> None:
    drawn = portrait(studied, sales)
    assert sum(group["n"] for group in drawn["by_decile"]) == N
    assert sum(group["n"] for group in drawn["by_month"]) == N
    assert sum(drawn["histogram"]["counts"]) == N
    assert [group["group"] for group in drawn["by_decile"]] == [f"{one:02d}" for one in range(1, 11)]
    assert [group["group"] for group in drawn["by_month"]] == sorted(group["group"] for group in drawn["by_month"])


def test_groups_show_the_ratios_of_their_sales(sales: Sales, studied: Studied) -> None:
    areas = {group["group"]: group for group in portrait(studied, sales)["by_neighborhood"]}
    rows = sales.frame.words("neighborhood") == "Area 1"
    ratio = studied.value[rows] / studied.price[rows]
    assert areas["Area 1"]["n"] == len(ratio)
    assert areas["Area 1"]["median"] == pytest.approx(np.median(ratio), abs=1e-4)
    assert areas["Area 1"]["q25"] < areas["Area 1"]["median"] < areas["Area 1"]["q75"]


def test_the_histogram_says_where_it_begins(sales: Sales, studied: Studied) -> None:
    bars = portrait(studied, sales)["histogram"]
    ratio = studied.value / studied.price
    assert bars["from"] <= ratio.min() < bars["from"] + bars["width"]
    centre = bars["from"] + bars["width"] * (np.argmax(bars["counts"]) + 0.5)
    assert centre == pytest.approx(0.95, abs=0.1)


def test_an_absurd_ratio_makes_no_endless_histogram(sales: Sales, studied: Studied) -> None:
    value = studied.value.copy()
    value[3] = 1e6 * studied.price[3]
    bars = portrait(Studied(studied.rows, studied.price, value, value, value), sales)["histogram"]
    assert len(bars["counts"]) <= 41
    assert bars["counts"][-1] == 1


def test_small_neighbourhoods_are_left_out(sales: Sales, studied: Studied) -> None:
    few = np.arange(29)
    part = Studied(few, studied.price[few], studied.value[few], studied.low[few], studied.high[few])
    assert portrait(part, sales)["by_neighborhood"] == []


def test_the_index_begins_at_one() -> None:
    days = np.array([17_000.0, 17_030.0, 17_061.0])
    assert market_index(Index(days, np.array([0.0, 0.01, 0.03]), 17_070)) == [
        {"month": "2016-07", "level": 1.0},
        {"month": "2016-08", "level": 1.0101},
        {"month": "2016-09", "level": 1.0305},
    ]
