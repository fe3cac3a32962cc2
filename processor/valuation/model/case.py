"""One batch of properties and all that a county's model finds out about it, before anything is written."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from processor.valuation.doubts import Assessment
from processor.valuation.frame import Floats, Frame, Ints, Subjects
from processor.valuation.local import Best
from processor.valuation.model.comps import Comparables
from processor.valuation.model.county import CountyModel, texts
from processor.valuation.model.jit import compiled
from processor.valuation.model.model import NOWHERE, Reading, Surroundings
from processor.valuation.neighbours import NOBODY
from processor.valuation.plausibility import Bools, cleaned, implausible

FEWEST_COMPARABLES: Final = 3
_NO_BUILDING_WORK: Final = frozenset({"latitude", "longitude", "living_area_sqft", "lot_size_sqft"})


@dataclass(frozen=True, slots=True)
class Case:
    """``log_price`` is the model's at the index's base month, ``lines`` [n, lines] what explains it.

    ``departure`` is how far the comparables are from the model, in log price, ``size`` the expected error.
    """

    frame: Frame
    day: Ints
    reading: Reading
    imputed: Bools
    log_price: Floats
    lines: Floats
    best: Best
    departure: Floats
    size: Floats
    assessment: Assessment


class Examiner:
    """Finds out everything about batches of properties; every row is treated alike, whatever its batch."""

    def __init__(self, county: CountyModel) -> None:
        sold, evidence = county.sold, county.model.surroundings.evidence
        self.county = county
        self.lines = county.model.surroundings.groups()[0]
        self._base = county.model.base
        self._comparables = Comparables(evidence.space, sold.day, texts(sold.property_id), evidence.kind, sold.residual)

    def examine(self, subjects: Subjects) -> Case:
        """Examine a batch."""
        county, surroundings = self.county, self.county.model.surroundings
        impossible = implausible(subjects.frame, subjects.day)
        frame = cleaned(subjects.frame, impossible)
        inputs, imputed = county.support.fill(surroundings, surroundings.plan.read(frame))
        reading = surroundings.read(inputs)
        lines = county.model.lines(reading, len(self.lines))
        log_price = self._base + row_sums(lines)
        best = self._comparables.find(reading, subjects.property_id, subjects.day)
        departure, spread, distance = around(best, county.sold.residual, county.sold.honest)
        size = county.spread.sizes(county.spread.signs(reading.matrix, log_price, spread, distance))
        found = county.support.assess(county.model, reading, imputed, impossible)
        few = (best.sale != NOBODY).sum(axis=1) < FEWEST_COMPARABLES
        found.doubt("few_comparables", few, 0.0)
        return Case(frame, subjects.day, reading, imputed, log_price, lines, best, departure, size, found)


def around(best: Best, residual: Floats, honest: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the comparables' weighted residual, the spread of their honest residuals, and their mean distance."""
    found = _around(best.sale, best.weight, best.distance, (residual, honest))
    return found[0], found[1], found[2]


@compiled
def _around(sale: Ints, weight: Floats, distance: Floats, errors: tuple[Floats, Floats]) -> Floats:
    residual, honest = errors
    out = np.zeros((3, len(sale)))
    for i in range(len(sale)):
        count, middle = 0, 0.0
        for j in range(sale.shape[1]):
            if sale[i, j] != NOBODY:
                count += 1
                out[0, i] += weight[i, j] * residual[sale[i, j]]
                middle += weight[i, j] * honest[sale[i, j]]
                out[2, i] += weight[i, j] * distance[i, j]
        for j in range(sale.shape[1]):
            if sale[i, j] != NOBODY:
                out[1, i] += weight[i, j] * (honest[sale[i, j]] - middle) ** 2
        out[1, i] = np.sqrt(out[1, i])
        if count == 0:
            out[2, i] = np.nan
    return out


@compiled
def row_sums(table: Floats) -> Floats:
    """Add up each row from left to right: the same bits whatever the number of rows."""
    total = np.zeros(table.shape[0])
    for i in range(table.shape[0]):
        for j in range(table.shape[1]):
            total[i] += table[i, j]
    return total


def cost_parts(surroundings: Surroundings, reading: Reading) -> tuple[Floats, Floats]:
    """Return the hedonic's log effects of place and of workmanship, which the cost form builds on."""
    where, work = _cost_columns(surroundings.plan.numeric)
    place = _sums_of(reading.effects, where) + reading.place
    if surroundings.places.area != NOWHERE:
        place = place + surroundings.places.effect[reading.inputs.codes[:, surroundings.places.area]]
    return place, _sums_of(reading.effects, work)


@lru_cache(maxsize=64)
def _cost_columns(names: tuple[str, ...]) -> tuple[Ints, Ints]:
    """Return the columns of place and those of workmanship."""
    where = [names.index(name) for name in ("latitude", "longitude") if name in names]
    work = [column for column, name in enumerate(names) if name not in _NO_BUILDING_WORK]
    return np.array(where, dtype=np.int64), np.array(work, dtype=np.int64)


@compiled
def _sums_of(table: Floats, columns: Ints) -> Floats:
    """Add up some columns of each row from left to right."""
    total = np.zeros(len(table))
    for i in range(len(table)):
        for j in columns:
            total[i] += table[i, j]
    return total


def opinion(surroundings: Surroundings, reading: Reading) -> Floats:
    """Return the hedonic's own log price: the second opinion."""
    return surroundings.hedonic.predict(reading.inputs, reading.effects, reading.place)
