"""The hedonic finds the market and the worth of things, also where little is known."""

import numpy as np
import pytest

from processor.training import hedonic
from processor.training.screening import Screened, TrainingSales, screen
from processor.training.surroundings import FOLDS, folds, learn
from processor.valuation.frame import Floats
from processor.valuation.model.evidence import FEATURES
from tests.unit.training.county import DAYS, FIRST_DAY, made_sales


def _sales(n: int = 1500, *, noise: float = 0.1, trend: float = 0.1) -> tuple[Screened, TrainingSales]:
    screened = screen(made_sales(n, noise=noise, trend=trend), None)
    return screened, screened.training(screened.learn)


def test_the_index_finds_the_trend() -> None:
    _, sales = _sales()
    index = hedonic.fit(sales.plan, sales.inputs, sales.day, np.log(sales.price)).index
    first, last = index.at(np.array([FIRST_DAY + 15, FIRST_DAY + DAYS - 15]))
    assert last - first == pytest.approx(0.1 * (DAYS - 30) / 365, abs=0.03)


def test_beyond_its_sales_the_index_stands_still() -> None:
    _, sales = _sales()
    index = hedonic.fit(sales.plan, sales.inputs, sales.day, np.log(sales.price)).index
    assert index.at(np.array([FIRST_DAY + 5000]))[0] == index.levels[-1]


def test_thin_months_are_pooled_with_their_neighbours() -> None:
    _, sales = _sales(100, noise=0.4, trend=0.0)
    index = hedonic.fit(sales.plan, sales.inputs, sales.day, np.log(sales.price)).index
    assert np.abs(np.diff(index.levels)).max() < 0.08


def _spread(sales: TrainingSales) -> float:
    fitted = hedonic.fit(sales.plan, sales.inputs, sales.day, np.log(sales.price))
    residual = np.log(sales.price) - fitted.index.at(sales.day) - fitted.predict(sales.inputs)
    return float(residual.std())


def test_what_is_left_is_the_noise() -> None:
    _, sales = _sales()
    assert _spread(sales) == pytest.approx(0.1, abs=0.015)


def test_unknown_numbers_have_an_effect_of_their_own() -> None:
    _, sales = _sales()
    sales.inputs.numbers[::4, sales.plan.numeric.index("quality")] = np.nan
    assert _spread(sales) < 0.14


def test_all_sales_of_a_property_share_a_fold() -> None:
    ids = np.array([f"P{row % 50}" for row in range(300)], dtype=object)
    fold = folds(ids)
    assert all(len(set(fold[ids == one])) == 1 for one in set(ids))
    assert set(fold) == set(range(FOLDS))


def _told(sales: TrainingSales) -> Floats:
    matrix = learn(sales).matrix
    return matrix[:, -len(FEATURES) :]


def test_a_training_row_is_not_told_its_own_price() -> None:
    """Three times the price of one sale changes what others are told; its own share is what moves the whole index."""
    screened, sales = _sales(400)
    before = _told(sales)
    price = sales.price.copy()
    price[100] *= 3
    after = _told(
        screened.training(screened.learn).__class__(sales.plan, sales.inputs, sales.day, price, sales.property_id)
    )
    change = np.abs(after - before)[:, [FEATURES.index("nearest_5_rate"), FEATURES.index("nearest_5_residual")]]
    assert change[100].max() < 0.02
    assert change.max() > 0.05


def test_out_of_fold_neighbours_help_forward_as_much_as_out_of_fold() -> None:
    """Where the place has a worth that no column names, neighbours must find it without fooling the training."""
    screened, sales = _sales(1500, noise=0.15)
    learned = learn(sales)
    told = learned.matrix[:, -len(FEATURES) :][:, FEATURES.index("nearest_15_residual")]
    residual = learned.target - learned.hedonic
    assert abs(np.corrcoef(told, residual)[0, 1]) < 0.35
    assert screened.learn.size == len(residual)
