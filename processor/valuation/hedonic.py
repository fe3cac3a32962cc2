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
from processor.valuation.ridge import Regression, blocks
from processor.valuation.vocabulary import Reading, Vocabulary

_LANE: Final = 100.0


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
            effects[:, -1] = self.vocabulary.surface.at(reading.east, reading.north, self.coefficients[-1])
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
    knots = market.pools(day)
    widths = vocabulary.widths()
    terms = sum(widths)
    centre = _column_means(vocabulary, reading, terms)
    typical = float(log_price.mean())

    def block(rows: slice) -> Floats:
        own = np.hstack([*vocabulary.design(reading.take(rows)), np.zeros((len(day[rows]), 0))])
        return np.hstack([own - centre, market.columns(day[rows], knots)])

    def penalty(ridge: float, spread: float) -> Floats:
        return linalg.block_diag(ridge * np.eye(terms), market.roughness(knots, spread))

    prior = np.concatenate([vocabulary.prior(), np.zeros(len(knots))])
    solution = Regression(log_price - typical, block, prior, penalty).solve_robustly()
    parts = np.split(solution.coefficients[:terms], np.cumsum(widths)[:-1]) if widths else []
    levels = solution.coefficients[terms:] + typical
    index = market.MarketIndex(knots, levels, int(day.min()), int(day.max()), market.recent_slope(knots, levels))
    hedonic = _centred(vocabulary, parts, index, reading)
    effects = hedonic.effects(reading)
    residual = log_price - index.at(day) - effects.sum(axis=1)  # the trend after the last knot is not in the design
    left_out = solution.left_out + (residual - solution.residual)
    return Fit(hedonic, reading, effects, residual, left_out, solution.weight)


def _column_means(vocabulary: Vocabulary, reading: Reading, terms: int) -> Floats:
    total = np.zeros(terms)
    for rows in blocks(len(reading.east)):
        total += np.concatenate([np.zeros(0), *(block.sum(axis=0) for block in vocabulary.design(reading.take(rows)))])
    return total / max(len(reading.east), 1)


def _centred(vocabulary: Vocabulary, parts: list[Floats], index: market.MarketIndex, reading: Reading) -> Hedonic:
    """Put a hedonic together whose effects are 0 for the average of the sales it was fitted on."""
    numbers, texts = len(vocabulary.numbers), len(vocabulary.texts)
    curves = Curves.of(vocabulary.numbers, parts[:numbers])
    for column in range(numbers, numbers + texts):
        parts[column] = np.append(parts[column], 0.0)  # the level of every text that is not frequent
    raw = Hedonic(vocabulary, tuple(parts), curves, np.zeros(len(parts)), index)
    return replace(raw, centres=raw.effects(reading).mean(axis=0))
