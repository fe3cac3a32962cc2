"""The county's hedonic: log price as market level + a sum of effects, one per attribute, and the place.

Fitted by ridge regression on the eligible sales, market index included, robustly (sales far off count less). The
effects are centred on the sales, so the market level is the log price of the typical sale, and the difference of two
properties' effects is the line of a comparable's grid.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import linalg

from processor.valuation import index as market
from processor.valuation.attributes import NumericAttribute
from processor.valuation.frame import Floats, Frame, Ints
from processor.valuation.vocabulary import Reading, Vocabulary

_LANE: Final = 100.0
_RIDGES: Final = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_FIRST_RIDGE: Final = 3.0
_SALES_TO_CHOOSE_RIDGE: Final = 40
_FIRST_RESIDUAL_SD: Final = 0.25
_SMALLEST_SD: Final = 0.02
_HUBER: Final = 2.0
_LEAST_FREEDOM: Final = 0.1
_DIGITS: Final = 9
"""Coefficients are rounded to this many decimals: far below a cent, far above what BLAS kernels differ by."""


@dataclass(frozen=True, slots=True)
class Curves:
    """The effects of all numbers as piecewise linear curves, evaluated together.

    The curves stand side by side on one axis, each in a lane of its own, so that one interpolation serves all.
    """

    knots: Floats
    heights: Floats
    lane: Floats
    blank: Floats

    @classmethod
    def of(cls, numbers: Sequence[NumericAttribute], coefficients: Sequence[Floats]) -> "Curves":
        """Turn the coefficients of every number's terms into heights at its knots."""
        lane = _LANE * np.arange(len(numbers), dtype=np.float64)
        pairs = list(zip(numbers, coefficients, strict=True))
        return cls(
            np.concatenate([number.knots + at for number, at in zip(numbers, lane, strict=True)] or [np.zeros(1)]),
            np.concatenate([number.columns(number.knots) @ terms for number, terms in pairs] or [np.zeros(1)]),
            lane,
            np.array([(number.columns(np.array([np.nan])) @ terms)[0] for number, terms in pairs]),
        )

    def at(self, scaled: Floats) -> Floats:
        """Return the effects [n, numbers]; the unknown has its own, or that of the average."""
        unknown = np.isnan(scaled)
        known = np.fmin(np.fmax(np.where(unknown, 0.0, scaled), -_LANE / 3), _LANE / 3)
        return np.where(unknown, self.blank, np.interp(known + self.lane, self.knots, self.heights))


@dataclass(frozen=True, slots=True)
class Hedonic:
    """A fitted hedonic; ``effects`` may be called for any frame of the county."""

    vocabulary: Vocabulary
    coefficients: tuple[Floats, ...]
    curves: Curves
    centres: Floats
    market: market.MarketIndex

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the effects."""
        return self.vocabulary.names

    def effects(self, reading: Reading) -> Floats:
        """Return each property's effects [n, len(names)] in log price, 0 for the average of the sales.

        Every operation is row by row, so a row's effects do not depend on the rest of the batch, to the last bit.
        """
        numbers = len(self.vocabulary.numbers)
        effects = np.empty((len(reading.east), len(self.names)))
        effects[:, :numbers] = self.curves.at(reading.scaled)
        for column in range(len(self.vocabulary.texts)):
            levels = self.coefficients[numbers + column]
            effects[:, numbers + column] = levels[reading.codes[:, column]]
        if self.vocabulary.surface is not None:
            effects[:, -1] = (reading.bumps * self.coefficients[-1]).sum(axis=1)
        return effects - self.centres


@dataclass(frozen=True, slots=True)
class Fit:
    """A hedonic and what it says about the sales it was fitted on.

    ``residual`` is log price minus fitted, ``left_out`` the same had the sale not been seen (exact for ridge),
    ``weight`` how much each sale counted (1, less for one far off).
    """

    hedonic: Hedonic
    reading: Reading
    effects: Floats
    residual: Floats
    left_out: Floats
    weight: Floats

    def take(self, rows: Ints) -> "Fit":
        """Return what it says about some of the sales."""
        return Fit(
            self.hedonic,
            self.reading.take(rows),
            self.effects[rows],
            self.residual[rows],
            self.left_out[rows],
            self.weight[rows],
        )


def fit(frame: Frame, day: Ints, log_price: Floats) -> Fit:
    """Fit the hedonic of one county's eligible sales (at least one); a few thousand sales take well under a second."""
    vocabulary = Vocabulary.of(frame)
    reading = vocabulary.read(frame)
    blocks = vocabulary.design(reading)
    knots = market.pools(day)
    widths = [block.shape[1] for block in blocks]
    terms = np.hstack([*blocks, np.zeros((frame.n, 0))])
    centre = terms.mean(axis=0)
    typical = float(log_price.mean())
    design = np.hstack([terms - centre, market.columns(day, knots)])
    system = _System(design, log_price - typical, vocabulary.prior(blocks), knots)
    solution = system.solve_robustly()
    parts = np.split(solution.coefficients[: sum(widths)], np.cumsum(widths)[:-1]) if widths else []
    levels = solution.coefficients[sum(widths) :] + typical
    slope = market.recent_slope(knots, levels)
    index = market.MarketIndex(knots, levels, int(day.min()), int(day.max()), slope)
    hedonic = _centred(vocabulary, parts, index, reading)
    effects = hedonic.effects(reading)
    residual = log_price - index.at(day) - effects.sum(axis=1)  # the trend after the last knot is not in the design
    left_out = solution.left_out + (residual - solution.residual)
    return Fit(hedonic, reading, effects, residual, left_out, solution.weight)


def _centred(vocabulary: Vocabulary, parts: list[Floats], index: market.MarketIndex, reading: Reading) -> Hedonic:
    """Put a hedonic together whose effects are 0 for the average of the sales it was fitted on."""
    numbers, texts = len(vocabulary.numbers), len(vocabulary.texts)
    curves = Curves.of(vocabulary.numbers, parts[:numbers])
    for column in range(numbers, numbers + texts):
        parts[column] = np.append(parts[column], 0.0)  # the level of every text that is not frequent
    raw = Hedonic(vocabulary, tuple(parts), curves, np.zeros(len(parts)), index)
    return replace(raw, centres=raw.effects(reading).mean(axis=0))


@dataclass(frozen=True, slots=True)
class _Solution:
    coefficients: Floats
    residual: Floats
    left_out: Floats
    weight: Floats


class _System:
    """The penalised least squares problem, solved twice: once to see who is far off, once with those counting less."""

    def __init__(self, design: Floats, target: Floats, prior: Floats, knots: Floats) -> None:
        self._design = design
        self._target = target
        self._knots = knots
        self._ridged = len(prior)
        self._prior = np.concatenate([prior, np.zeros(len(knots))])

    def solve_robustly(self) -> _Solution:
        even = np.ones(len(self._target))
        first, _ = self._solve(even, _FIRST_RIDGE, _FIRST_RESIDUAL_SD)
        residual = self._target - self._design @ first
        spread = robust_sd(residual)
        weight = huber_weights(residual, spread)
        coefficients, inverse = self._solve(weight, None, spread)
        residual = self._target - self._design @ coefficients
        leverage = weight * np.einsum("ij,ij->i", self._design @ inverse, self._design)
        return _Solution(coefficients, residual, residual / np.fmax(1.0 - leverage, _LEAST_FREEDOM), weight)

    def _solve(self, weight: Floats, ridge: float | None, spread: float) -> tuple[Floats, Floats]:
        """Return the coefficients and the inverse of the penalised normal matrix."""
        weighted = self._design * weight[:, None]
        gram = weighted.T @ self._design
        moment = weighted.T @ self._target
        ridge = self._best_ridge(gram, moment, weight, spread) if ridge is None else ridge
        penalty = self._penalty(ridge, spread)
        inverse = linalg.inv(gram + penalty)
        coefficients = inverse @ (moment + penalty @ self._prior)
        return np.asarray(np.round(coefficients, _DIGITS), dtype=np.float64), inverse

    def _penalty(self, ridge: float, spread: float) -> Floats:
        penalty = np.zeros((len(self._prior), len(self._prior)))
        penalty[np.arange(self._ridged), np.arange(self._ridged)] = ridge
        penalty[self._ridged :, self._ridged :] = market.roughness(self._knots, spread)
        return penalty

    def _best_ridge(self, gram: Floats, moment: Floats, weight: Floats, spread: float) -> float:
        """Choose the ridge by generalised cross-validation (Golub, Heath, Wahba 1979)."""
        n = float(weight.sum())
        if len(weight) < _SALES_TO_CHOOSE_RIDGE:
            return _FIRST_RIDGE
        square = float((weight * self._target) @ self._target)
        scores = []
        for ridge in _RIDGES:
            penalty = self._penalty(ridge, spread)
            factor = linalg.cho_factor(gram + penalty)
            coefficients = linalg.cho_solve(factor, moment + penalty @ self._prior)
            freedom = float(np.trace(linalg.cho_solve(factor, gram)))
            error = square - 2 * coefficients @ moment + coefficients @ gram @ coefficients
            scores.append(error / n / max(1.0 - freedom / n, _LEAST_FREEDOM) ** 2)
        return _RIDGES[int(np.argmin(scores))]


def robust_sd(residual: Floats) -> float:
    """Return the standard deviation that the middle of the residuals suggests (1.4826 x median deviation)."""
    return max(float(1.4826 * np.median(np.abs(residual - np.median(residual)))), _SMALLEST_SD)


def huber_weights(residual: Floats, spread: float) -> Floats:
    """Return 1 for ordinary residuals and ever less for those beyond two standard deviations."""
    return np.fmin(1.0, _HUBER * spread / np.fmax(np.abs(residual), 1e-12))
