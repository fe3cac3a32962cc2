import numpy as np

from processor.valuation import hedonic
from processor.valuation.frame import Floats
from processor.valuation.index import MarketIndex, columns, pools, recent_slope
from tests.unit.valuation.counties import FIRST_DAY, LAST_DAY, County, houses, sold


def fitted(county: County) -> MarketIndex:
    return hedonic.fit(county.frame, county.sales.day, np.log(county.sales.price)).hedonic.market


def path(n: int, of_day: Floats, seed: int = 3) -> County:
    """A county whose market follows ``of_day`` [days] in log price."""
    frame, worth = houses(n, seed)
    flat = sold(frame, worth, seed=seed, trend=0.0)
    flat.sales.price[:] = np.round(flat.sales.price * np.exp(of_day[flat.sales.day - FIRST_DAY]))
    return flat


def test_the_index_follows_a_market_that_rises_and_falls() -> None:
    days = np.arange(LAST_DAY - FIRST_DAY + 1)
    truth = np.where(days < 500, 0.0004 * days, 0.2 - 0.0002 * (days - 500))
    index = fitted(path(6_000, truth))
    seen = np.arange(FIRST_DAY + 30, LAST_DAY - 30, 30)
    error = (index.at(seen) - index.at(seen)[0]) - (truth[seen - FIRST_DAY] - truth[30])
    assert np.abs(error).max() < 0.03


def test_a_thin_market_has_a_calm_index() -> None:
    index = fitted(path(40, np.zeros(LAST_DAY - FIRST_DAY + 1)))
    assert np.ptp(index.levels) < 0.05


def test_months_with_few_sales_are_pooled() -> None:
    day = np.concatenate([np.full(30, FIRST_DAY), FIRST_DAY + 31 + 30 * np.arange(10)]).astype(np.int64)
    assert len(pools(day)) == 1
    assert len(pools(np.repeat(FIRST_DAY + 31 * np.arange(6), 25))) == 6
    assert len(pools(np.arange(-60_000, 60_000, 3))) <= 120


def test_the_design_interpolates_between_the_knots_and_is_flat_beyond() -> None:
    knots = np.array([0.0, 10.0, 30.0])
    design = columns(np.array([-5, 0, 5, 20, 30, 99]), knots)
    assert np.allclose(design.sum(axis=1), 1)
    assert np.allclose(design @ np.array([1.0, 2.0, 4.0]), [1, 1, 1.5, 3, 4, 4])


def test_the_level_beyond_the_sales_is_known_less_and_less() -> None:
    index = MarketIndex(np.array([0.0, 100.0]), np.array([0.0, 0.1]), 0, 120)
    days = np.array([-400, -10, 0, 120, 165, 166, 600, 6_000])
    assert index.extrapolated(days).tolist() == [True, True, False, False, False, True, True, True]
    assert (index.uncertainty(days)[2:5] == 0).all()
    assert (np.diff(index.uncertainty(days)[4:]) > 0).all()
    assert index.uncertainty(days)[0] > index.uncertainty(days)[1] > 0
    assert (index.at(days[-3:]) == index.at(np.array([120]))).all()


def test_the_recent_trend_goes_on_for_six_weeks_and_then_stops() -> None:
    knots, levels = np.array([0.0, 30.0, 61.0, 92.0]), np.array([0.0, 0.0, 0.01, 0.012])
    slope = recent_slope(knots, levels)
    assert slope == np.float64(0.012 / 62)
    index = MarketIndex(knots, levels, 0, 107, slope)
    assert np.allclose(index.at(np.array([92, 122, 137, 138, 9_999])) - 0.012, slope * np.array([0, 30, 45, 45, 45]))
    assert recent_slope(knots, levels * 100) == 0.015 / 30.436875
    assert recent_slope(knots[:2], levels[:2] + 1) == 0
