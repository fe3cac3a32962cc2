"""Interval and comparables' share, learned from errors that a valuation could really have made.

The size of errors and its quantiles by price are learned from the out-of-fold residuals; how far those must be
stretched is read off the forward errors of a model that ended before the last months, valued with the level that
newer sales showed at the time.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from processor.training import boosting
from processor.training.assembly import examine_all, subjects_of
from processor.training.boosting import Grown, Recipe
from processor.training.learning import Fitted
from processor.training.progress import Progress
from processor.training.screening import Screened
from processor.training.surroundings import FOLDS
from processor.valuation.frame import Floats, Ints
from processor.valuation.local import best, kernel
from processor.valuation.model.case import around
from processor.valuation.model.comps import ODD
from processor.valuation.model.county import CountyModel
from processor.valuation.model.interval import FLOOR, LEVEL, ONE_SD, Spread, quantile
from processor.valuation.model.market import Level
from processor.valuation.neighbours import Neighbours

_SIZE_RECIPE: Final = Recipe(200, 4, 0.08)
_FEW_SIZE_RECIPE: Final = Recipe(60, 3, 0.05, l2=10.0)
_FEW: Final = 1500
_SHARE_LIMITS: Final = (0.0, 0.4)
_SIGNIFICANT: Final = 2.0
_CLIP: Final = 0.5
_BINS: Final = 5
_SALES_PER_BIN: Final = 200
_SALES_TO_SHRINK: Final = 300
_WORKERS: Final = 2


@dataclass(frozen=True, slots=True)
class Forward:
    """Sales valued by a model that ended before them.

    ``log_price`` is the model's at the index's base month, ``error`` log price minus model at the level of the day,
    ``departure`` that of the comparables; ``log_value`` is the model's value. ``rows`` are rows of the screened sales.
    """

    rows: Ints
    log_price: Floats
    error: Floats
    departure: Floats
    log_value: Floats

    def following(self, share: float) -> Floats:
        """Return by how much the comparables move the value when they count with ``share``, in log price."""
        return np.log1p(share * np.expm1(self.departure))


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
    return Forward(rows, log_price, residual - level, departure, log_price + index.at(sales.day[rows]) + level)


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


def size_steps(sales: int) -> int:
    """Return how many steps of progress ``grow_sizes`` takes."""
    return _size_recipe(sales).trees * (FOLDS + 1)


def grow_sizes(found: Fitted, progress: Progress) -> tuple[Grown, Floats]:
    """Learn the size of errors; return the ensemble and each sale's size by one that had not seen it."""
    signs, fold = _training_signs(found), found.learned.fold
    target = np.log(np.abs(found.residual) + FLOOR)
    recipe = _size_recipe(len(target))

    def grow(part: int | None) -> Grown:
        rows = np.flatnonzero(fold != part) if part is not None else np.arange(len(fold))
        return boosting.grow(recipe, signs[rows], target[rows], grown=progress.step)

    with ThreadPoolExecutor(_WORKERS) as pool:
        full, *others = pool.map(grow, [None, *range(FOLDS)])
    sizes = np.empty(len(target))
    for part, grown in enumerate(others):
        sizes[fold == part] = np.exp(grown.trees.predict(signs[fold == part]))
    return full, sizes


def _size_recipe(sales: int) -> Recipe:
    return _SIZE_RECIPE if sales >= _FEW else _FEW_SIZE_RECIPE


def _training_signs(found: Fitted) -> Floats:
    """Return the signs of the training sales as they would be valued: by neighbours and trees of the other folds."""
    evidence, fold, residual = found.model.surroundings.evidence, found.learned.fold, found.residual
    spread, distance = np.empty(len(fold)), np.empty(len(fold))
    trust = np.fmin(1.0, ODD / np.fmax(np.abs(residual), 1e-12))
    for part in range(FOLDS):
        inside, rows = np.flatnonzero(fold == part), np.flatnonzero(fold != part)
        alike = evidence.take(rows).in_space(evidence.space[inside])
        near = Neighbours(rows[alike.sale], alike.distance)
        _, spread[inside], distance[inside] = around(best(near, kernel(near, trust)), residual, residual)
    return Spread.signs(found.learned.matrix, found.learned.target - residual, spread, distance)


@dataclass(frozen=True, slots=True)
class Shape:
    """The quantiles of error over size, downwards and upwards, by log price."""

    at: Floats
    down: Floats
    up: Floats

    @classmethod
    def of(cls, score: Floats, log_price: Floats) -> "Shape":
        """Read the quantiles off out-of-fold scores, in bins of price where there are sales enough."""
        count = max(1, min(_BINS, len(score) // _SALES_PER_BIN))
        score = score - np.median(score)
        parts = np.array_split(np.argsort(log_price, kind="stable"), count)
        tail = (1.0 + LEVEL) / 2.0
        return cls(
            np.array([float(np.median(log_price[part])) for part in parts]),
            np.array([quantile(-score[part], tail) for part in parts]),
            np.array([quantile(score[part], tail) for part in parts]),
        )

    def stretch(self, score: Floats, log_price: Floats) -> float:
        """Return by what the quantiles must be multiplied to cover 90 % of forward scores; few only stretch."""
        side = np.where(score < 0, np.interp(log_price, self.at, self.down), np.interp(log_price, self.at, self.up))
        found = quantile(np.abs(score) / side, LEVEL)
        return found if len(score) >= _SALES_TO_SHRINK else max(found, 1.0)

    def spread(self, size: Grown, score: Floats, log_price: Floats) -> Spread:
        """Return the interval calibrated on forward scores."""
        factor = self.stretch(score, log_price)
        return Spread(size.trees, self.at, factor * self.down, factor * self.up, quantile(np.abs(score), ONE_SD))
