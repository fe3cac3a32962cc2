"""The hedonic regression: log price on curves of every number, levels of every category and smooth month effects.

It gives four things the trees build on: the monthly market index, a smooth first estimate of which they grow on what
it leaves, what a sale fetched beyond its characteristics (the residual that neighbours carry), and what a place is
worth by itself. Solved as one robust penalised least squares.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from processor.valuation.frame import Floats, Ints
from processor.valuation.location import bump_centres, bump_widths
from processor.valuation.model.additive import Additive, Curves, Surface
from processor.valuation.model.features import Inputs, Plan
from processor.valuation.model.market import Index
from processor.valuation.model.space import Projection
from processor.valuation.ridge import Penalty, Regression

_QUANTILES: Final = (0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99)
_ENDS: Final = (0.01, 0.99)
_SALES_PER_KNOT: Final = 4
"""Where there are fewer sales than this for each knot of all curves, the curves are straight lines."""
_FEW_VALUES: Final = 12
_SKEW: Final = 8.0
_MOST_BUMPS: Final = 256
_OVERLAPPING: Final = 4
_LOCATED: Final = 0.5
COORDINATES: Final = ("latitude", "longitude")
_CATEGORY_SHARE: Final = 0.3
"""Levels of a category vary more than knots of a curve, so they are held back less."""
_MONTH_CURVATURE: Final = 400.0
"""Residual variance over the variance of the index's monthly change of slope: (20 %)^2 / (1 %)^2."""
_DIGITS: Final = 9
"""Solutions are rounded, so that the order of a library's additions never reaches a bundle's hash."""


@dataclass(frozen=True, slots=True)
class Hedonic:
    """A fitted regression, the market index that came with it, and how strongly its ridge holds back."""

    additive: Additive
    projection: Projection | None
    index: Index
    ridge: float

    def predict(self, inputs: Inputs) -> Floats:
        """Return log prices at the index's base month."""
        curves = self.additive.curves
        place = self.additive.surface.at(positions(self.projection, inputs))
        return self.additive.predict(inputs, curves.effects(curves.scaled(inputs.numbers)), place)


def projection_of(plan: Plan, numbers: Floats) -> Projection | None:
    """Return kilometres around the sales; None where fewer than half of them have coordinates."""
    if not set(COORDINATES) <= set(plan.numeric):
        return None
    columns = plan.numeric.index("latitude"), plan.numeric.index("longitude")
    if np.isnan(numbers[:, columns]).any(axis=1).mean() > 1 - _LOCATED:
        return None
    return Projection.around(columns, numbers)


def positions(projection: Projection | None, inputs: Inputs) -> Floats:
    """Return where properties lie, in km [n, 2], NaN where unknown."""
    return np.full((len(inputs.numbers), 2), np.nan) if projection is None else projection.position(inputs.numbers)


def fit(plan: Plan, inputs: Inputs, day: Ints, log_price: Floats, ridge: float | None = None) -> Hedonic:
    """Fit log price on what is known of the sales, where they are, and their month; sales far off count less.

    The ``ridge`` is chosen by generalised cross-validation where none is given.
    """
    projection = projection_of(plan, inputs.numbers)
    position = positions(projection, inputs)
    curves, surface = _curves(inputs.numbers), _surface(position)
    scaled = curves.scaled(inputs.numbers)
    month, days = _months(day)
    widths = [*curves.size + 1, *(category.size for category in plan.categories), len(surface.width)]

    def terms(rows: slice) -> Floats:
        blocks = [_hats(curves.knots[p, : curves.size[p]], scaled[rows, p]) for p in range(len(plan.numeric))]
        blocks += [_dummies(inputs.codes[rows, at], category.size) for at, category in enumerate(plan.categories)]
        ones = np.ones((len(scaled[rows]), 1))
        return np.hstack([ones, *blocks, surface.bumps(position[rows]), _dummies(month[rows], len(days))])

    mean = round(float(log_price.mean()), _DIGITS)
    penalty = _penalty(1 + sum(widths), 1 + int(curves.size.sum()) + len(plan.numeric), plan, len(days))
    regression = Regression(log_price - mean, terms, np.zeros(1 + sum(widths) + len(days)), penalty)
    solution, ridge = regression.coefficients_robustly(ridge)
    parts = np.split(solution, np.cumsum([1, *widths]))
    numbers, categories = parts[1 : 1 + len(plan.numeric)], parts[1 + len(plan.numeric) : -2]
    additive = Additive(
        mean + float(solution[0] + parts[-1][0]),
        _with_heights(curves, numbers),
        tuple(part.copy() for part in categories),
        replace(surface, height=parts[-2].copy()),
    )
    return Hedonic(additive, projection, Index(days, parts[-1] - parts[-1][0], int(day.max())), ridge)


def _penalty(before_months: int, curved: int, plan: Plan, months: int) -> Penalty:
    """Return what holds the terms back: the ridge on curves, levels and bumps, smoothness of the months."""
    levels = sum(category.size for category in plan.categories)
    strength = np.ones(before_months + months)
    strength[0], strength[curved : curved + levels], strength[before_months:] = 1e-6, _CATEGORY_SHARE, 1e-3
    smooth = np.zeros((len(strength), len(strength)))
    smooth[before_months:, before_months:] = _MONTH_CURVATURE * _curvature(months)
    return lambda ridge, _spread: np.asarray(np.diag(ridge * strength) + smooth)


def _surface(position: Floats) -> Surface:
    located = position[~np.isnan(position[:, 0])]
    centres = np.round(bump_centres(located, _MOST_BUMPS), _DIGITS)
    width = np.round(bump_widths(centres, _OVERLAPPING), _DIGITS)
    return Surface(centres, width, np.zeros(len(centres)))


def _months(day: Ints) -> tuple[Ints, Floats]:
    """Return the month of each day, counted from the first, and the middle of each month as a day."""
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    first, last = int(month.min()), int(month.max())
    starts = np.arange(first, last + 2).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return month - first, (starts[:-1] + starts[1:]) / 2.0


def _curves(numbers: Floats) -> Curves:
    sales, columns = numbers.shape
    quantiles = _QUANTILES if columns * len(_QUANTILES) * _SALES_PER_KNOT <= sales else _ENDS
    chosen = [_knots(numbers[:, column], quantiles) for column in range(columns)]
    widest = max((len(knots) for _, knots in chosen), default=1)
    table = np.zeros((len(chosen), widest))
    for row, (_, knots) in enumerate(chosen):
        table[row, : len(knots)] = knots
    return Curves(
        np.array([logarithmic for logarithmic, _ in chosen], dtype=bool),
        np.array([len(knots) for _, knots in chosen], dtype=np.int64),
        table,
        np.zeros(table.shape),
        np.zeros(len(chosen)),
    )


def _knots(values: Floats, quantiles: tuple[float, ...]) -> tuple[bool, Floats]:
    known = values[~np.isnan(values)]
    logarithmic = bool(known.min() >= 0 and known.max() > _SKEW * max(float(np.median(known)), 1e-9))
    scaled = np.log1p(known) if logarithmic else known
    distinct = np.unique(scaled)
    few = len(distinct) <= _FEW_VALUES and quantiles is _QUANTILES
    knots = distinct if few else np.unique(np.quantile(scaled, quantiles))
    return logarithmic, np.round(knots, _DIGITS)


def _hats(knots: Floats, scaled: Floats) -> Floats:
    """Return [n, knots + 1]: the weight of each knot for each value, and whether it is unknown."""
    unknown = np.isnan(scaled)
    at = np.where(unknown, knots[0], np.clip(scaled, knots[0], knots[-1]))
    hats = np.zeros((len(scaled), len(knots) + 1))
    rows = np.arange(len(scaled))
    if len(knots) > 1:
        low = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
        share = (at - knots[low]) / (knots[low + 1] - knots[low])
        hats[rows, low], hats[rows, low + 1] = 1.0 - share, share
    else:
        hats[:, 0] = 1.0
    hats[unknown, :-1] = 0.0
    hats[unknown, -1] = 1.0
    return hats


def _dummies(codes: Ints, size: int) -> Floats:
    dummies = np.zeros((len(codes), size))
    dummies[np.arange(len(codes)), codes] = 1.0
    return dummies


def _curvature(n: int) -> Floats:
    second = np.diff(np.eye(n), n=2, axis=0)
    return np.asarray(second.T @ second)


def _with_heights(curves: Curves, parts: list[Floats]) -> Curves:
    heights, missing = np.zeros(curves.knots.shape), np.zeros(len(parts))
    for row, part in enumerate(parts):
        heights[row, : len(part) - 1], missing[row] = part[:-1], part[-1]
    return Curves(curves.logarithmic, curves.size, curves.knots, heights, missing)
