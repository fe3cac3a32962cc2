"""The county's hedonic: log price as market level + a sum of effects, one per attribute, and the place.

Fitted by ridge regression on the eligible sales, market index included, robustly (sales far off count less). The
effects are centred on the sales, so the market level is the log price of the typical sale, and the difference of two
properties' effects is the line of a comparable's grid.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import linalg

from processor.valuation import index as market
from processor.valuation.attributes import (
    NumericAttribute,
    TextAttribute,
    numeric_attributes,
    text_attributes,
    unknown,
)
from processor.valuation.frame import Floats, Frame, Ints
from processor.valuation.location import Surface
from processor.valuation.plausibility import Bools

LOCATION: Final = "location"

_RIDGES: Final = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_FIRST_RIDGE: Final = 3.0
_SALES_TO_CHOOSE_RIDGE: Final = 40
_FIRST_RESIDUAL_SD: Final = 0.25
_SMALLEST_SD: Final = 0.02
_HUBER: Final = 2.0
_SHARE_WITH_PLACE: Final = 0.5
_DIGITS: Final = 9
"""Coefficients are rounded to this many decimals: far below a cent, far above what BLAS kernels differ by."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A frame as the hedonic sees it: scaled numbers [n, numbers], codes of texts [n, texts], km, what is unknown."""

    scaled: Floats
    codes: Ints
    east: Floats
    north: Floats
    unknown: Bools
    bumps: Floats

    def take(self, rows: Ints) -> "Reading":
        """Return some of the rows."""
        return Reading(
            self.scaled[rows],
            self.codes[rows],
            self.east[rows],
            self.north[rows],
            self.unknown[rows],
            self.bumps[rows],
        )


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The attributes of a county's sales and its surface, before anything is estimated."""

    numbers: tuple[NumericAttribute, ...]
    texts: tuple[TextAttribute, ...]
    surface: Surface | None

    @classmethod
    def of(cls, frame: Frame) -> "Vocabulary":
        """Take stock of what the sales tell about themselves."""
        placed = np.isfinite(frame.number("latitude")) & np.isfinite(frame.number("longitude"))
        surface = Surface.over(frame) if frame.n and placed.mean() >= _SHARE_WITH_PLACE else None
        return cls(numeric_attributes(frame), text_attributes(frame), surface)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the effects, in the order of their columns."""
        place = () if self.surface is None else (LOCATION,)
        return (*(one.name for one in self.numbers), *(one.name for one in self.texts), *place)

    def read(self, frame: Frame) -> Reading:
        """Bring a frame into the hedonic's terms."""
        n = frame.n
        scaled = np.empty((n, len(self.numbers)), order="F")
        for column, number in enumerate(self.numbers):
            scaled[:, column] = number.scaled(frame)
        codes = np.empty((n, len(self.texts)), dtype=np.int64, order="F")
        missing = [np.isnan(scaled[:, column]) for column in range(len(self.numbers))]
        for column, text in enumerate(self.texts):
            codes[:, column] = text.codes(frame)
            missing.append(unknown(frame, text.name))
        east, north, bumps = np.full(n, np.nan), np.full(n, np.nan), np.zeros((n, 0))
        if self.surface is not None:
            east, north = self.surface.plane.project(frame)
            bumps = self.surface.columns(frame)
            missing.append(np.isnan(east))
        holes = np.column_stack(missing) if missing else np.zeros((n, 0), dtype=bool)
        return Reading(scaled, codes, east, north, holes, bumps)

    def design(self, reading: Reading) -> list[Floats]:
        """Return the terms of each effect, in the order of ``names``."""
        blocks = [number.columns(reading.scaled[:, column]) for column, number in enumerate(self.numbers)]
        blocks += [text.columns(reading.codes[:, column]) for column, text in enumerate(self.texts)]
        return blocks if self.surface is None else [*blocks, reading.bumps]

    def prior(self, blocks: list[Floats]) -> Floats:
        """Return the coefficients believed before any sale is seen."""
        parts = [np.zeros(block.shape[1]) for block in blocks]
        for column, number in enumerate(self.numbers):
            parts[column] = number.prior(blocks[column].shape[1])
        return np.concatenate(parts) if parts else np.zeros(0)


@dataclass(frozen=True, slots=True)
class Hedonic:
    """A fitted hedonic; ``effects`` may be called for any frame of the county."""

    vocabulary: Vocabulary
    coefficients: tuple[Floats, ...]
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
        effects = np.empty((len(reading.east), len(self.names)))
        column = 0
        for number in self.vocabulary.numbers:
            effects[:, column] = _curve(number, self.coefficients[column], reading.scaled[:, column])
            column += 1
        for code in range(len(self.vocabulary.texts)):
            effects[:, column] = np.append(self.coefficients[column], 0.0)[reading.codes[:, code]]
            column += 1
        if self.vocabulary.surface is not None:
            effects[:, column] = (reading.bumps * self.coefficients[column]).sum(axis=1)
        return effects - self.centres


def _curve(number: NumericAttribute, coefficients: Floats, scaled: Floats) -> Floats:
    """Evaluate a piecewise linear curve; the unknown gets its own effect or that of the average."""
    at_knots = number.columns(number.knots) @ coefficients
    blank = (number.columns(np.array([np.nan])) @ coefficients)[0]
    return np.where(np.isnan(scaled), blank, np.interp(scaled, number.knots, at_knots))


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
    index = market.MarketIndex(knots, levels, int(day.min()), int(day.max()))
    raw = Hedonic(vocabulary, tuple(parts), np.zeros(len(parts)), index)
    effects = raw.effects(reading)
    centres = effects.mean(axis=0)
    hedonic = Hedonic(vocabulary, tuple(parts), centres, index)
    return Fit(hedonic, reading, effects - centres, solution.residual, solution.left_out, solution.weight)


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
        first = self._solve(np.ones(len(self._target)), _FIRST_RIDGE, _FIRST_RESIDUAL_SD)
        spread = robust_sd(first.residual)
        weight = huber_weights(first.residual, spread)
        return self._solve(weight, None, spread)

    def _solve(self, weight: Floats, ridge: float | None, spread: float) -> _Solution:
        weighted = self._design * weight[:, None]
        gram = weighted.T @ self._design
        moment = weighted.T @ self._target
        ridge = self._best_ridge(gram, moment, weight, spread) if ridge is None else ridge
        penalty = self._penalty(ridge, spread)
        inverse = linalg.inv(gram + penalty)
        coefficients = np.round(inverse @ (moment + penalty @ self._prior), _DIGITS)
        residual = self._target - self._design @ coefficients
        leverage = np.einsum("ij,ij->i", self._design @ inverse, weighted)
        return _Solution(coefficients, residual, residual / np.fmax(1.0 - leverage, 0.1), weight)

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
            scores.append(error / n / max(1.0 - freedom / n, 1e-3) ** 2)
        return _RIDGES[int(np.argmin(scores))]


def robust_sd(residual: Floats) -> float:
    """Return the standard deviation that the middle of the residuals suggests (1.4826 x median deviation)."""
    return max(float(1.4826 * np.median(np.abs(residual - np.median(residual)))), _SMALLEST_SD)


def huber_weights(residual: Floats, spread: float) -> Floats:
    """Return 1 for ordinary residuals and ever less for those beyond two standard deviations."""
    return np.fmin(1.0, _HUBER * spread / np.fmax(np.abs(residual), 1e-12))
