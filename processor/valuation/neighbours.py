"""The nearest sales in a scaled space, of those dated before the valuation and not of the subject itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from processor.valuation.frame import Floats, Ints, Objects
from processor.valuation.hedonic import Fit
from processor.valuation.plausibility import Bools
from processor.valuation.vocabulary import LOCATION, Reading, Vocabulary

NOBODY: Final = -1
"""No sale, or the owner code of a property without sales."""

_LOG_PRICE_PER_UNIT: Final = 0.1
_LEVEL_STEP: Final = 0.02
_LEAST_WEIGHT: Final = 0.15
_MOST_NUMBERS: Final = 9
_MOST_TEXTS: Final = 3
_WORTHY: Final = 0.08
_FURTHEST_SCALED: Final = 8.0
_KM_SHARE: Final = 0.12
_LEAST_KM: Final = 0.1
_MOST_KM: Final = 5.0
_TREE_MARGINS: Final = (8, 104, 488)
_LEAF: Final = 16
_DAY_RANGE: Final = 5_000_000
"""Days before and after 1970 within which every calendar date lies."""

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Space:
    """The space of comparables: a distance of 1 is about a tenth of the price, or a walk within the neighbourhood.

    ``numbers`` and ``texts`` name columns of the reading; a text's levels lie on a line in the order of their
    effects, so that the same level is nearest and then the levels that the market treats alike.
    """

    numbers: Ints
    number_scale: Floats
    texts: Ints
    positions: tuple[Floats, ...]
    km_per_unit: float

    @classmethod
    def of(cls, fit: Fit) -> "Space":
        """Scale the space by what the hedonic found to matter."""
        vocabulary = fit.hedonic.vocabulary
        deviation = fit.effects.std(axis=0)
        count = len(vocabulary.numbers)
        numbers = _largest(deviation[:count], _MOST_NUMBERS)
        texts = _largest(deviation[count : count + len(vocabulary.texts)], _MOST_TEXTS)
        positions = tuple(_positions(fit.hedonic.coefficients[count + text]) for text in texts)
        scale = np.fmax(deviation[numbers] / _LOG_PRICE_PER_UNIT, _LEAST_WEIGHT)
        return cls(numbers, scale, texts, positions, _km_per_unit(fit, vocabulary))

    def points(self, reading: Reading) -> Floats:
        """Return each property's place in the space; what is unknown is put in the middle."""
        scaled = reading.scaled[:, self.numbers]
        near = np.fmin(np.fmax(scaled, -_FURTHEST_SCALED), _FURTHEST_SCALED)
        texts = [line[reading.codes[:, text]] for text, line in zip(self.texts, self.positions, strict=True)]
        points = np.column_stack(
            [reading.east / self.km_per_unit, reading.north / self.km_per_unit, near * self.number_scale, *texts]
        )
        return np.where(np.isnan(points), 0.0, points)


def _largest(deviation: Floats, most: int) -> Ints:
    """Return the positions of the largest deviations, without those that hardly matter beside the first."""
    order = np.argsort(-deviation, kind="stable")[:most]
    worthy = order[deviation[order] >= _WORTHY * deviation.max(initial=0.0)]
    return np.sort(worthy).astype(np.int64)


def _positions(effects: Floats) -> Floats:
    """Return a level's place on its line; the last, for every level that is not frequent, goes to the middle."""
    effects = effects[:-1]
    order = np.argsort(effects, kind="stable")
    line = np.empty(len(effects))
    line[order] = effects[order] + _LEVEL_STEP * np.arange(len(effects))
    return np.append(line, np.median(line) if len(line) else 0.0) / _LOG_PRICE_PER_UNIT


def _km_per_unit(fit: Fit, vocabulary: Vocabulary) -> float:
    """Return the km that count as one unit: an eighth of what moves the fitted surface by a tenth of the price."""
    if vocabulary.surface is None:
        return 1.0
    extent = float(np.sqrt(np.nanvar(fit.reading.east) + np.nanvar(fit.reading.north)))
    deviation = float(fit.effects[:, fit.hedonic.names.index(LOCATION)].std())
    units = max(deviation / _LOG_PRICE_PER_UNIT, 0.5)
    return min(max(_KM_SHARE * extent / units, _LEAST_KM), _MOST_KM)


class Owners:
    """Numbers the properties that have sales, so that "the subject's own sale" is a comparison of integers."""

    def __init__(self, property_id: Objects) -> None:
        self._codes: dict[str, int] = {}
        self.of_sale = np.array([self._codes.setdefault(one, len(self._codes)) for one in property_id], dtype=np.int64)

    def codes(self, property_id: Sequence[str]) -> Ints:
        """Return each property's number, ``NOBODY`` for one without sales."""
        known = self._codes.get
        return np.array([known(one, NOBODY) for one in property_id], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """For each subject its nearest sales, nearest first: rows of the sales [n, k] (``NOBODY`` beyond the last)."""

    sale: Ints
    distance: Floats

    @property
    def found(self) -> Bools:
        """Where there is a sale at all."""
        there: Bools = self.sale != NOBODY
        return there


class SaleSearch:
    """Finds neighbours among sales (at least one) that are ordered by day.

    A tree over all sales gives candidates; a row that has too few left after the date and own-sale rule asks again
    for more, and in the end all sales are compared. The answer is exact and the same for a row in any batch.
    """

    def __init__(self, points: Floats, day: Ints, owner: Ints) -> None:
        self._points = np.ascontiguousarray(points)
        self._day = day
        self._owner = owner
        self._tree = cKDTree(self._points, leafsize=_LEAF)
        self._own_days = np.sort(_own_keys(owner, day))

    def available(self, day: Ints, owner: Ints) -> Ints:
        """Return how many sales may serve each subject: before its day and not its own."""
        own_before = np.searchsorted(self._own_days, _own_keys(owner, day))
        others_own = np.searchsorted(self._own_days, _own_keys(owner, np.full_like(day, -_DAY_RANGE)))
        return np.searchsorted(self._day, day) - np.where(owner == NOBODY, 0, own_before - others_own)

    def nearest(self, points: Floats, day: Ints, owner: Ints, k: int) -> Neighbours:
        """Return the ``k`` nearest sales before ``day`` that are not the subject's own."""
        n = len(points)
        sale, distance = np.full((n, k), NOBODY), np.full((n, k), np.inf)
        want = np.fmin(self.available(day, owner), k)
        rows = np.flatnonzero(want > 0)
        for margin in _TREE_MARGINS:
            if not len(rows):
                break
            found = self._ask_tree(points[rows], day[rows], owner[rows], k, margin)
            done = found.found.sum(axis=1) >= want[rows]
            sale[rows[done]], distance[rows[done]] = found.sale[done], found.distance[done]
            rows = rows[~done]
        for row in rows.tolist():
            sale[row], distance[row] = self._compare_all(points[row], int(day[row]), int(owner[row]), k)
        return Neighbours(sale, distance)

    def _ask_tree(self, points: Floats, day: Ints, owner: Ints, k: int, margin: int) -> Neighbours:
        candidates = min(k + margin, len(self._day))
        distance, sale = map(np.asarray, self._tree.query(points, k=np.arange(1, candidates + 1)))
        allowed = (self._day[sale] < day[:, None]) & (self._owner[sale] != owner[:, None])
        first = np.argsort(~allowed, axis=1, kind="stable")[:, :k]
        allowed = np.take_along_axis(allowed, first, axis=1)
        sale = np.where(allowed, np.take_along_axis(sale, first, axis=1), NOBODY)
        distance = np.where(allowed, np.take_along_axis(distance, first, axis=1), np.inf)
        return Neighbours(_padded(sale, k, NOBODY), _padded(distance, k, np.inf))

    def _compare_all(self, point: Floats, day: int, owner: int, k: int) -> tuple[Ints, Floats]:
        before = int(np.searchsorted(self._day, day))
        squared = ((self._points[:before] - point) ** 2).sum(axis=1)
        squared[self._owner[:before] == owner] = np.inf
        order = np.argsort(squared, kind="stable")[:k]
        distance = np.sqrt(squared[order])
        sale = np.where(np.isinf(distance), NOBODY, order)
        return _padded(sale[None], k, NOBODY)[0], _padded(distance[None], k, np.inf)[0]


def _padded(table: NDArray[Scalar], k: int, filler: float) -> NDArray[Scalar]:
    """Widen a table to ``k`` columns."""
    padded = np.full((len(table), k), filler, dtype=table.dtype)
    padded[:, : table.shape[1]] = table
    return padded


def _own_keys(owner: Ints, day: Ints) -> Ints:
    """Fold owner and day into one number that sorts by owner, then day."""
    return owner * (2 * _DAY_RANGE) + day
