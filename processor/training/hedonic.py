"""The hedonic regression: log price on curves of every number, levels of every category and smooth month effects.

It gives three things the trees build on: the monthly market index, what a sale fetched beyond its characteristics
(the residual that neighbours carry), and what a place is worth by itself. Solved as one penalised least squares.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import linalg

from processor.valuation.frame import Floats, Ints
from processor.valuation.model.additive import Additive, Curves
from processor.valuation.model.features import Inputs, Plan
from processor.valuation.model.market import Index

_QUANTILES: Final = (0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99)
_FEW_VALUES: Final = 12
_SKEW: Final = 8.0
_RIDGE_GRID: Final = (0.5, 2.0, 8.0, 32.0, 128.0)
_FREEDOM_PRICE: Final = 1.4
"""Generalised cross-validation with this factor on the degrees of freedom rarely overfits (Gu 2013, section 3.2)."""
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
    index: Index
    ridge: float


def fit(plan: Plan, inputs: Inputs, day: Ints, log_price: Floats, ridge: float | None = None) -> Hedonic:
    """Fit log price on what is known of the sales and their month.

    The ``ridge`` is chosen by generalised cross-validation where none is given.
    """
    curves = _curves(inputs.numbers)
    scaled = curves.scaled(inputs.numbers)
    blocks = [_hats(curves.knots[p, : curves.size[p]], scaled[:, p]) for p in range(len(plan.numeric))]
    blocks += [_dummies(inputs.codes[:, column], category.size) for column, category in enumerate(plan.categories)]
    month, days = _months(day)
    design = np.hstack([np.ones((len(day), 1)), *blocks, _dummies(month, len(days))])
    widths = [block.shape[1] for block in blocks]
    curved = sum(widths[: len(plan.numeric)])
    penalty = np.full(design.shape[1], _CATEGORY_SHARE)
    penalty[0], penalty[1 : 1 + curved], penalty[-len(days) :] = 1e-6, 1.0, 1e-3
    smooth = np.zeros((design.shape[1], design.shape[1]))
    smooth[-len(days) :, -len(days) :] = _MONTH_CURVATURE * _curvature(len(days))
    mean = round(float(log_price.mean()), _DIGITS)
    problem = _Problem(design, log_price - mean, penalty, smooth)
    ridge = problem.best_ridge() if ridge is None else ridge
    solution = np.round(problem.solve(ridge), _DIGITS)
    parts = np.split(solution, np.cumsum([1, *widths]))
    additive = Additive(
        mean + float(solution[0] + parts[-1][0]),
        _with_heights(curves, parts[1 : 1 + len(plan.numeric)]),
        tuple(part.copy() for part in parts[1 + len(plan.numeric) : -1]),
    )
    return Hedonic(additive, Index(days, parts[-1] - parts[-1][0], int(day.max())), ridge)


def _months(day: Ints) -> tuple[Ints, Floats]:
    """Return the month of each day, counted from the first, and the middle of each month as a day."""
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    first, last = int(month.min()), int(month.max())
    starts = np.arange(first, last + 2).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return month - first, (starts[:-1] + starts[1:]) / 2.0


def _curves(numbers: Floats) -> Curves:
    chosen = [_knots(numbers[:, column]) for column in range(numbers.shape[1])]
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


def _knots(values: Floats) -> tuple[bool, Floats]:
    known = values[~np.isnan(values)]
    logarithmic = bool(known.min() >= 0 and known.max() > _SKEW * max(float(np.median(known)), 1e-9))
    scaled = np.log1p(known) if logarithmic else known
    distinct = np.unique(scaled)
    knots = distinct if len(distinct) <= _FEW_VALUES else np.unique(np.quantile(scaled, _QUANTILES))
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


class _Problem:
    """Penalised least squares: ridge on curves and levels, smoothness of the months."""

    def __init__(self, design: Floats, target: Floats, penalty: Floats, smooth: Floats) -> None:
        self._gram, self._moment = design.T @ design, design.T @ target
        self._power, self._n = float(target @ target), len(target)
        self._penalty, self._smooth = penalty, smooth

    def solve(self, ridge: float) -> Floats:
        """Return the coefficients."""
        return np.asarray(linalg.cho_solve(self._factor(ridge), self._moment))

    def best_ridge(self) -> float:
        """Return the ridge of least generalised cross-validation error."""
        return min(_RIDGE_GRID, key=self._error)

    def _factor(self, ridge: float) -> tuple[Floats, bool]:
        factor, lower = linalg.cho_factor(self._gram + np.diag(ridge * self._penalty) + self._smooth)
        return np.asarray(factor), bool(lower)

    def _error(self, ridge: float) -> float:
        factor = self._factor(ridge)
        solution = np.asarray(linalg.cho_solve(factor, self._moment))
        freedom = float(np.trace(np.asarray(linalg.cho_solve(factor, self._gram))))
        error = self._power - 2 * float(self._moment @ solution) + float(solution @ self._gram @ solution)
        return error / max(self._n - _FREEDOM_PRICE * freedom, 1.0) ** 2


def _with_heights(curves: Curves, parts: list[Floats]) -> Curves:
    heights, missing = np.zeros(curves.knots.shape), np.zeros(len(parts))
    for row, part in enumerate(parts):
        heights[row, : len(part) - 1], missing[row] = part[:-1], part[-1]
    return Curves(curves.logarithmic, curves.size, curves.knots, heights, missing)
