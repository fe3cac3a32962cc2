"""What nearby and similar sales fetched: the evidence that carries most of the accuracy, as features of a property.

For each property: the median price per square foot and the weighted hedonic residual of the nearest sales on the map
and in the space of comparables. Training asks the sales of the other folds, valuation asks all; the arithmetic is
this one. A sale of a property that is the only one of its kind never counts for that kind, so that no sold property
is valued by its own price, and identical properties get identical features whether they were sold or not.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from processor.valuation.frame import Floats, Ints
from processor.valuation.model.jit import compiled

MAP_COUNTS: Final = (5, 15, 60)
SPACE_COUNTS: Final = (15,)
_SPARE: Final = 3
"""Extra neighbours asked for, in the place of those that may not count."""
_NEAR: Final = 0.5
"""Distances are weighted 1 / (d + this)**2, in units of the typical distance."""
FEATURES: Final = (
    *(f"nearest_{k}_rate" for k in MAP_COUNTS),
    *(f"nearest_{k}_residual" for k in MAP_COUNTS),
    "nearest_15_distance",
    *(f"similar_{k}_rate" for k in SPACE_COUNTS),
    *(f"similar_{k}_residual" for k in SPACE_COUNTS),
)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The sales nearest to each of ``n`` properties, nearest first: ``distance`` and ``sale`` [n, K].

    Rows hold fewer than K where sales run out: the rest has infinite distance.
    """

    distance: Floats
    sale: Ints


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sales that neighbours are looked up in.

    ``position`` [s, 2] in km (NaN where unknown) and ``space`` [s, d] in units of the comparable space; ``rate`` is the
    log price per square foot and ``residual`` the clipped hedonic residual, both at the index's base month; ``kind``
    is equal for identical properties, -1 for a sale that counts for everybody. ``reach`` is the typical distance in km.
    """

    position: Floats
    space: Floats
    rate: Floats
    residual: Floats
    kind: Ints
    reach: float
    _on_map: Ints = field(init=False)
    _map: cKDTree = field(init=False)
    _space: cKDTree = field(init=False)

    def __post_init__(self) -> None:
        located = np.flatnonzero(~np.isnan(self.position[:, 0]))
        object.__setattr__(self, "_on_map", located)
        object.__setattr__(self, "_map", cKDTree(self.position[located]))
        object.__setattr__(self, "_space", cKDTree(self.space))

    def take(self, rows: Ints) -> "Evidence":
        """Return the evidence of the named sales alone."""
        return Evidence(
            self.position[rows], self.space[rows], self.rate[rows], self.residual[rows], self.kind[rows], self.reach
        )

    def on_map(self, position: Floats, count: int = MAP_COUNTS[-1] + _SPARE) -> Neighbours:
        """Return the nearest sales on the map; none for a property without a position."""
        located = ~np.isnan(position[:, 0])
        found, sale = self._map.query(np.where(located[:, None], position, 0.0), k=count)
        distance = np.where(located[:, None], found, np.inf)
        if not len(self._on_map):
            return Neighbours(distance, np.zeros(distance.shape, dtype=np.int64))
        return Neighbours(distance, self._on_map[np.minimum(sale, len(self._on_map) - 1)])

    def in_space(self, space: Floats, count: int = SPACE_COUNTS[-1] + _SPARE) -> Neighbours:
        """Return the most similar sales."""
        distance, sale = self._space.query(space, k=count)
        return Neighbours(np.asarray(distance), np.minimum(sale, len(self.space) - 1))

    def features(self, near: Neighbours, alike: Neighbours, kind: Ints) -> Floats:
        """Return [n, len(FEATURES)] for properties with these neighbours and of these ``kind``."""
        counts, similar = np.array(MAP_COUNTS), np.array(SPACE_COUNTS)
        out = np.empty((len(kind), len(FEATURES)))
        k = len(MAP_COUNTS)
        told = (self.rate, self.residual, self.kind)
        _lags((near.distance / self.reach, near.sale), told, kind, counts, out[:, : 2 * k])
        out[:, 2 * k] = _distance(near.distance, near.sale, self.kind, kind)
        _lags((alike.distance, alike.sale), told, kind, similar, out[:, 2 * k + 1 :])
        return out


@compiled
def _counts_for(distance: float, sale_kind: int, kind: int) -> bool:
    return distance < np.inf and (sale_kind < 0 or sale_kind != kind)


@compiled
def _insert(ordered: Floats, size: int, value: float) -> None:
    at = size
    while at > 0 and ordered[at - 1] > value:
        ordered[at] = ordered[at - 1]
        at -= 1
    ordered[at] = value


@compiled
def _median(ordered: Floats, size: int) -> float:
    if size == 0:
        return np.nan
    return float(0.5 * (ordered[(size - 1) // 2] + ordered[size // 2]))


@compiled
def _lags(near: tuple[Floats, Ints], told: tuple[Floats, Floats, Ints], kind: Ints, counts: Ints, out: Floats) -> None:
    """Fill ``out`` [n, 2 * counts]: medians of the rate, then weighted means of the residual, per count."""
    distance, sale = near
    rate, residual, sale_kind = told
    ordered = np.empty(distance.shape[1])
    m = len(counts)
    for i in range(len(kind)):
        used = rated = step = 0
        total = weight = 0.0
        for j in range(distance.shape[1]):
            s = sale[i, j]
            if step == m or not _counts_for(distance[i, j], sale_kind[s], kind[i]):
                continue
            if not np.isnan(rate[s]):
                _insert(ordered, rated, rate[s])
                rated += 1
            w = 1.0 / (distance[i, j] + _NEAR) ** 2
            total += w * residual[s]
            weight += w
            used += 1
            if used == counts[step]:
                out[i, step] = _median(ordered, rated)
                out[i, m + step] = total / weight
                step += 1
        for rest in range(step, m):
            out[i, rest] = _median(ordered, rated)
            out[i, m + rest] = total / weight if weight > 0 else np.nan


@compiled
def _distance(distance: Floats, sale: Ints, sale_kind: Ints, kind: Ints) -> Floats:
    """Return how far the 15th sale that counts is, in km; the farthest where there are fewer, NaN where none."""
    out = np.full(len(kind), np.nan)
    for i in range(len(kind)):
        used = 0
        for j in range(distance.shape[1]):
            if used < MAP_COUNTS[1] and _counts_for(distance[i, j], sale_kind[sale[i, j]], kind[i]):
                out[i] = distance[i, j]
                used += 1
    return out
