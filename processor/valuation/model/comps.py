"""The comparables of a valuation: the most similar sales dated before it, never the subject's own.

The neighbours that the features were made of are asked first; only a row that has too few of them left (an early
valuation date, a property often sold) searches on its own.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from processor.valuation.frame import Floats, Ints, Objects
from processor.valuation.local import Best, best, kernel
from processor.valuation.model.jit import compiled
from processor.valuation.model.model import Reading
from processor.valuation.neighbours import NOBODY, Neighbours, Owners, SaleSearch
from processor.valuation.rendering import COMPARABLES_SHOWN

ODD: Final = 0.25
"""Log residual beyond which a sale counts less, in inverse proportion: it may have been no market sale."""


class Comparables:
    """Finds comparables among the sales a model was trained on, which are ordered by day."""

    def __init__(self, points: Floats, day: Ints, property_id: Objects, kind: Ints, residual: Floats) -> None:
        self._day = day
        self._kind = kind
        self._owners = Owners(property_id)
        self._search = SaleSearch(points, day, self._owners.of_sale)
        self._trust = np.fmin(1.0, ODD / np.fmax(np.abs(residual), 1e-12))

    def find(self, reading: Reading, property_id: Sequence[str], day: Ints) -> Best:
        """Return up to five comparables per row, their weights adding up to 1."""
        owner = self._owners.codes(property_id)
        candidates = self._candidates(reading, owner, day)
        return best(candidates, kernel(candidates, self._trust))

    def available(self, property_id: Sequence[str], day: Ints) -> Ints:
        """Return how many sales may serve each row."""
        return self._search.available(day, self._owners.codes(property_id))

    def _candidates(self, reading: Reading, owner: Ints, day: Ints) -> Neighbours:
        known = (self._day, self._owners.of_sale, self._kind)
        sale, distance, found = _allowed(reading.alike.sale, reading.alike.distance, (day, owner, reading.kind), known)
        for row in np.flatnonzero(found < COMPARABLES_SHOWN).tolist():
            at = slice(row, row + 1)
            wider = self._search.nearest(reading.points[at], day[at], owner[at], sale.shape[1])
            other = wider.found & (self._kind[wider.sale] != reading.kind[row])
            sale[at], distance[at] = np.where(other, wider.sale, NOBODY), np.where(other, wider.distance, np.inf)
        return Neighbours(sale, distance)


@compiled
def _allowed(
    sale: Ints, distance: Floats, subject: tuple[Ints, Ints, Ints], known: tuple[Ints, Ints, Ints]
) -> tuple[Ints, Floats, Ints]:
    """Keep the sales before each subject's day that are neither its own nor of its very kind; count them."""
    day, owner, kind = subject
    sale_day, sale_owner, sale_kind = known
    kept, far, found = np.full(sale.shape, NOBODY), np.full(sale.shape, np.inf), np.zeros(len(sale), np.int64)
    for i in range(len(sale)):
        for j in range(sale.shape[1]):
            s = sale[i, j]
            another = sale_owner[s] != owner[i] and sale_kind[s] != kind[i]
            if distance[i, j] < np.inf and sale_day[s] < day[i] and another:
                kept[i, j], far[i, j] = s, distance[i, j]
                found[i] += 1
    return kept, far, found
