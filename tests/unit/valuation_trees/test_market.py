"""The level follows the sales that were known on a day, and no others."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.valuation.frame import Floats, Frame, Ints
from processor.valuation.model.market import Level
from tests.unit.training.county import sales_of

TODAY = 17_000


def _level(day: Ints, residual: Floats, known: Ints | None = None) -> Level:
    sales = sales_of(day, np.full(len(day), 1.0), Frame(len(day), {}, {}))
    if known is not None:
        sales = replace(sales, known_day=known)
    return Level.of(sales, np.arange(len(day)), residual)


def _window(n: int, shift: float, seed: int = 0) -> tuple[Ints, Floats]:
    rng = np.random.default_rng(seed)
    return rng.integers(TODAY - 73, TODAY - 14, n), shift + rng.normal(0, 0.15, n)


@settings(deadline=None)  # the first call compiles
@given(shift=st.floats(-0.2, 0.2))
def test_many_sales_move_the_level_by_as_much_as_they_miss(shift: float) -> None:
    assert _level(*_window(3000, shift)).on(TODAY).log == pytest.approx(shift, abs=0.03)


def test_few_sales_move_it_little_and_leave_it_uncertain() -> None:
    few, many = _level(*_window(3, 0.2)).on(TODAY), _level(*_window(3000, 0.2)).on(TODAY)
    assert 0 < few.log < 0.15
    assert few.deviation > 3 * many.deviation


def test_without_sales_nothing_is_corrected() -> None:
    found = _level(np.array([TODAY + 5]), np.array([0.3])).on(TODAY)
    assert (found.log, found.sales) == (0.0, 0)


def test_a_sale_counts_from_the_day_it_is_known() -> None:
    day, residual = _window(500, 0.1)
    known = np.full(500, TODAY)
    level = _level(day, residual, known)
    assert level.on(TODAY - 1).sales == 0
    assert level.on(TODAY).sales == 500


def test_sales_of_the_last_fourteen_days_are_not_known_yet() -> None:
    day, residual = _window(500, 0.0)
    newest = np.full(500, TODAY - 5)
    both = _level(np.concatenate([day, newest]), np.concatenate([residual, np.full(500, 0.3)]))
    assert both.on(TODAY).log == _level(day, residual).on(TODAY).log


def test_a_rising_market_is_carried_forward_to_the_day() -> None:
    day, _ = _window(5000, 0.0)
    rising = np.asarray(0.002 * (day - (TODAY - 44)), dtype=np.float64)
    assert _level(day, rising).on(TODAY).log == pytest.approx(0.088, abs=0.02)


def test_the_order_of_the_sales_does_not_matter() -> None:
    day, residual = _window(400, 0.05)
    order = np.random.default_rng(1).permutation(400)
    assert _level(day, residual).on(TODAY) == _level(day[order], residual[order]).on(TODAY)


def test_long_after_the_last_sale_the_last_level_stands_and_grows_uncertain() -> None:
    level = _level(*_window(3000, 0.1))
    later = level.on(TODAY + 720)
    assert later.log == pytest.approx(level.on(TODAY).log, abs=0.02)
    assert later.deviation > 0.08


def test_the_correction_names_pool_and_window() -> None:
    level = _level(*_window(300, 0.1))
    found, other = level.on(TODAY), _level(*_window(300, 0.1, seed=1)).on(TODAY)
    assert found.version.startswith(f"{level.pool}:")
    assert found.version != other.version
