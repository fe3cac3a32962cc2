"""What the sales around a property say beyond the hedonic: the level of the nearby sales, and the best comparables."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from processor.valuation.frame import Floats, Ints
from processor.valuation.model.jit import compiled
from processor.valuation.neighbours import NOBODY, Neighbours
from processor.valuation.plausibility import Bools
from processor.valuation.rendering import COMPARABLES_SHOWN

_NEAR: Final = 0.25
"""Distance at which a sale's weight has fallen to a quarter of that of an identical property's."""

_DOUBT: Final = 0.5
"""Weight of the belief that nearby sales tell nothing: about one sale at distance 0.9."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best comparables [n, 5], best first: rows of the sales, shares that add up to 1, distances."""

    sale: Ints
    weight: Floats
    distance: Floats


def kernel(neighbours: Neighbours, trust: Floats) -> Floats:
    """Return how much each neighbour counts [n, k]: near ones more, sales that look odd less."""
    near = 1.0 / (np.where(neighbours.found, neighbours.distance, np.inf) + _NEAR) ** 2
    return np.where(neighbours.found, near * trust[neighbours.sale], 0.0)


def latest(neighbours: Neighbours, owner: Ints) -> Bools:
    """Tell which neighbours [n, k] are the latest sale of their property among them: each counts once."""
    whose = owner[neighbours.sale]
    kept = np.ones(whose.shape, dtype=np.bool_)
    ordered = np.sort(whose, axis=1)
    rows = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
    sale, whose = neighbours.sale[rows], whose[rows]
    resold = (whose[:, :, None] == whose[:, None, :]) & (sale[:, :, None] < sale[:, None, :])
    kept[rows] = ~resold.any(axis=2)
    return kept


def level(weight: Floats, residual: Floats) -> Floats:
    """Return the mean residual of the neighbours [n], drawn to 0 where they are few or far."""
    mean: Floats = (weight * residual).sum(axis=1) / (weight.sum(axis=1) + _DOUBT)
    return mean


def spread(weight: Floats, residual: Floats, centre: Floats) -> Floats:
    """Return the standard deviation of the neighbours' residuals around the level [n]."""
    total = np.fmax(weight.sum(axis=1), 1e-12)
    deviation: Floats = np.sqrt((weight * (residual - centre[:, None]) ** 2).sum(axis=1) / total)
    return deviation


def best(neighbours: Neighbours, weight: Floats) -> Best:
    """Pick the neighbours that count most."""
    return Best(*_best(neighbours.sale, neighbours.distance, weight, min(COMPARABLES_SHOWN, weight.shape[1])))


@compiled
def _best(sale: Ints, distance: Floats, weight: Floats, most: int) -> tuple[Ints, Floats, Floats]:
    """Pick the greatest weights of each row, the first of equals; their shares add up to 1."""
    n, count = weight.shape
    chosen, share, how_far = np.full((n, most), NOBODY), np.zeros((n, most)), np.full((n, most), np.inf)
    taken = np.empty(count, np.bool_)
    for i in range(n):
        taken[:] = False
        total = 0.0
        for rank in range(most):
            best = -1
            for j in range(count):
                if not taken[j] and (best < 0 or weight[i, j] > weight[i, best]):
                    best = j
            taken[best] = True
            how_far[i, rank] = distance[i, best]
            if weight[i, best] > 0:
                chosen[i, rank], share[i, rank] = sale[i, best], weight[i, best]
                total += weight[i, best]
        for rank in range(most):
            share[i, rank] /= max(total, 1e-300)
    return chosen, share, how_far
