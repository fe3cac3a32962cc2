"""The additive second opinion: a hedonic regression as curves and level effects, cheap enough to ask for every value.

It also says how alike two properties are in the eyes of the market, and what a place is worth by itself.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processor.valuation.frame import Floats, Ints
from processor.valuation.model.features import Inputs
from processor.valuation.model.jit import compiled

Bools = NDArray[np.bool_]

_END_OF_BUMP: Final = 9.6


@dataclass(frozen=True, slots=True)
class Curves:
    """What each number adds to the log price: linear between knots, constant beyond them.

    Row p of ``knots`` and ``heights`` [P, K] describes number p by its first ``size[p]`` entries, on log(1 + x) where
    ``logarithmic``; ``missing`` [P] is the effect of an unknown number.
    """

    logarithmic: Bools
    size: Ints
    knots: Floats
    heights: Floats
    missing: Floats

    def scaled(self, numbers: Floats) -> Floats:
        """Return ``numbers`` [n, P] on the scale of the knots (NaN stays NaN)."""
        return np.asarray(_scaled(numbers, self.logarithmic))

    def effects(self, scaled: Floats) -> Floats:
        """Return the effects [n, P] on log price of scaled numbers."""
        return np.asarray(_effects(scaled, self.size, self.knots, self.heights, self.missing))


@dataclass(frozen=True, slots=True)
class Surface:
    """What a place adds to the log price: overlapping bumps over the map, flat where no bump reaches.

    ``centres`` [m, 2] and ``width`` [m] are in km, ``height`` [m] in log price; no bumps without coordinates.
    """

    centres: Floats
    width: Floats
    height: Floats

    def at(self, position: Floats) -> Floats:
        """Return the effect [n] of positions [n, 2]; 0 where the position is unknown."""
        return np.asarray(_surface(position, self.centres, self.width, self.height))

    def bumps(self, position: Floats) -> Floats:
        """Return how much of each bump reaches each position [n, m]."""
        return np.asarray(_bumps(position, self.centres, self.width))


@dataclass(frozen=True, slots=True)
class Additive:
    """Log price at the index's base month = intercept + effects of numbers + effects of categories + the surface."""

    intercept: float
    curves: Curves
    levels: tuple[Floats, ...]
    """Per category the effect of each code: known levels, then "unknown", then "never seen"."""
    surface: Surface

    def predict(self, inputs: Inputs, effects: Floats, place: Floats) -> Floats:
        """Return log prices, given the ``effects`` of the inputs' numbers and that of the surface, ``place``."""
        total = _totals(effects, self.intercept + place)
        for column, level in enumerate(self.levels):
            total += level[inputs.codes[:, column]]
        return total


@compiled
def _totals(effects: Floats, start: Floats) -> Floats:
    for i in range(len(effects)):
        for p in range(effects.shape[1]):
            start[i] += effects[i, p]
    return start


@compiled
def _scaled(numbers: Floats, logarithmic: Bools) -> Floats:
    out = numbers.copy()
    for i in range(numbers.shape[0]):
        for p in range(numbers.shape[1]):
            if logarithmic[p] and not np.isnan(out[i, p]):
                out[i, p] = np.log1p(max(out[i, p], 0.0))
    return out


@compiled
def _bump(east: float, north: float, width: float) -> float:
    """Return the height of a bump of height 1, and 0 where less than a 15,000th of it is left or nothing is known."""
    way = (east * east + north * north) / (width * width)
    return float(np.exp(-way)) if way < _END_OF_BUMP else 0.0


@compiled
def _bumps(position: Floats, centres: Floats, width: Floats) -> Floats:
    out = np.empty((len(position), len(width)))
    for i in range(len(position)):
        for b in range(len(width)):
            out[i, b] = _bump(position[i, 0] - centres[b, 0], position[i, 1] - centres[b, 1], width[b])
    return out


@compiled
def _surface(position: Floats, centres: Floats, width: Floats, height: Floats) -> Floats:
    out = np.zeros(len(position))
    for i in range(len(position)):
        for b in range(len(width)):
            out[i] += height[b] * _bump(position[i, 0] - centres[b, 0], position[i, 1] - centres[b, 1], width[b])
    return out


@compiled
def _effects(scaled: Floats, size: Ints, knots: Floats, heights: Floats, missing: Floats) -> Floats:
    out = np.empty(scaled.shape)
    for i in range(scaled.shape[0]):
        for p in range(scaled.shape[1]):
            x = scaled[i, p]
            k = 0
            while k < size[p] and knots[p, k] <= x:
                k += 1
            if np.isnan(x):
                out[i, p] = missing[p]
            elif k == 0 or k == size[p]:
                out[i, p] = heights[p, max(k - 1, 0)]
            else:
                share = (x - knots[p, k - 1]) / (knots[p, k] - knots[p, k - 1])
                out[i, p] = heights[p, k - 1] + share * (heights[p, k] - heights[p, k - 1])
    return out
