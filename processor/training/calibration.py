"""Interval and comparables' share, learned from errors that a valuation could really have made.

The size of errors is learned from the out-of-fold residuals; how many sizes an interval needs is read off the forward
errors of a model that ended before the last months, valued with the level that newer sales showed at the time.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from processor.training import boosting
from processor.training.assembly import examine_all, subjects_of
from processor.training.boosting import Recipe
from processor.training.learning import Fitted
from processor.training.progress import Progress
from processor.training.screening import Screened
from processor.training.surroundings import FOLDS
from processor.valuation.frame import Floats, Ints
from processor.valuation.local import best, kernel
from processor.valuation.model.case import around
from processor.valuation.model.county import CountyModel
from processor.valuation.model.interval import FLOOR, LEVEL, ONE_SD, Spread, quantile
from processor.valuation.model.market import Level
from processor.valuation.neighbours import Neighbours

SIZE_RECIPE: Final = Recipe(200, 4, 0.08)
_FEW_SIZE_RECIPE: Final = Recipe(60, 3, 0.05, l2=10.0)
_FEW: Final = 1500
_ODD: Final = 0.25
_SHARE_LIMITS: Final = (0.0, 0.4)
_SIGNIFICANT: Final = 2.0
_CLIP: Final = 0.5


@dataclass(frozen=True, slots=True)
class Forward:
    """Sales valued by a model that ended before them: log errors of the model, and the comparables' departures.

    ``error`` is log price minus model at the level of the day; ``rows`` are rows of the screened sales.
    """

    rows: Ints
    error: Floats
    departure: Floats
    log_value: Floats

    def after(self, share: float) -> Floats:
        """Return the errors left when the comparables count with ``share``."""
        return self.error - np.log1p(share * np.expm1(self.departure))


def forward(county: CountyModel, screened: Screened, seen: Ints, rows: Ints) -> Forward:
    """Value the sales at ``rows`` with a model that learned from ``seen``, all of them earlier."""
    cases = examine_all(county, subjects_of(screened, rows))
    log_price = np.concatenate([case.log_price for case in cases])
    departure = np.concatenate([case.departure for case in cases])
    sales = screened.sales
    index = county.model.surroundings.index
    residual = np.log(sales.price[rows]) - log_price - index.at(sales.day[rows])
    pool = Level.of(sales, np.concatenate([seen, rows]), np.concatenate([county.sold.honest, residual]))
    level = np.array([pool.on(int(day)).log for day in sales.day[rows]])
    log_value = log_price + index.at(sales.day[rows]) + level
    return Forward(rows, residual - level, departure, log_value)


def fitted_share(found: Forward) -> float:
    """Return how much comparables should count: the slope of forward errors on their departures, 0 if only noise."""
    error, departure = np.clip(found.error, -_CLIP, _CLIP), np.clip(found.departure, -_CLIP, _CLIP)
    power = float(departure @ departure)
    if power == 0:
        return 0.0
    slope = float(departure @ error) / power
    noise = float(np.std(error - slope * departure)) / power**0.5
    share = min(max(slope, _SHARE_LIMITS[0]), _SHARE_LIMITS[1])
    return round(share, 4) if slope > _SIGNIFICANT * noise else 0.0


def grow_sizes(fitted: Fitted, progress: Progress) -> tuple[boosting.Grown, Floats]:
    """Learn the size of errors; return the ensemble and each sale's size by one that had not seen it."""
    signs = _training_signs(fitted)
    target = np.log(np.abs(fitted.residual) + FLOOR)
    recipe = SIZE_RECIPE if len(target) >= _FEW else _FEW_SIZE_RECIPE
    fold, sizes = fitted.learned.fold, np.empty(len(target))
    for part in range(FOLDS):
        inside = fold == part
        grown = boosting.grow(recipe, signs[~inside], target[~inside], grown=progress.step)
        sizes[inside] = np.exp(grown.trees.predict(signs[inside]))
    return boosting.grow(recipe, signs, target, grown=progress.step), sizes


def size_steps(sales: int) -> int:
    """Return how many steps of progress ``grow_sizes`` takes."""
    return (SIZE_RECIPE if sales >= _FEW else _FEW_SIZE_RECIPE).trees * (FOLDS + 1)


def _training_signs(fitted: Fitted) -> Floats:
    """Return the signs of the training sales as they would be valued: by neighbours and trees of the other folds."""
    evidence, fold = fitted.model.surroundings.evidence, fitted.learned.fold
    spread, distance = np.empty(len(fold)), np.empty(len(fold))
    for part in range(FOLDS):
        inside, rows = np.flatnonzero(fold == part), np.flatnonzero(fold != part)
        alike = evidence.take(rows).in_space(evidence.space[inside])
        found = Neighbours(rows[alike.sale], alike.distance)
        trust = np.fmin(1.0, _ODD / np.fmax(np.abs(fitted.residual), 1e-12))
        _, spread[inside], distance[inside] = around(
            best(found, kernel(found, trust)), fitted.residual, fitted.residual
        )
    log_price = fitted.learned.target - fitted.residual
    return Spread.signs(fitted.learned.matrix, log_price, spread, distance)


def calibrated(county: CountyModel, grown: boosting.Grown, score: Floats, share: float) -> CountyModel:
    """Return the county model with its interval: ``score`` are forward errors over their sizes."""
    half90, half68 = quantile(score, LEVEL), quantile(score, ONE_SD)
    return replace(county, spread=Spread(grown.trees, half90, half68), share=share)
