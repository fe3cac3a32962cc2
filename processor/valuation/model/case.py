"""One batch of properties and all that a county's model finds out about it, before anything is written."""

from dataclasses import dataclass
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
    found = best.sale != NOBODY
    weight = np.where(found, best.weight, 0.0)
    departure = row_sums(weight * np.where(found, residual[best.sale], 0.0))
    unseen = np.where(found, honest[best.sale], 0.0)
    middle = row_sums(weight * unseen)
    spread = np.sqrt(row_sums(weight * (unseen - middle[:, None]) ** 2))
    distance = row_sums(weight * np.where(found, best.distance, 0.0))
    return departure, spread, np.where(found.any(axis=1), distance, np.nan)


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
    names = surroundings.plan.numeric
    work = [column for column, name in enumerate(names) if name not in _NO_BUILDING_WORK]
    place = row_sums(reading.effects[:, [names.index(name) for name in ("latitude", "longitude") if name in names]])
    place = place + reading.place
    if surroundings.places.area != NOWHERE:
        place = place + surroundings.places.effect[reading.inputs.codes[:, surroundings.places.area]]
    return place, row_sums(reading.effects[:, work])


def opinion(surroundings: Surroundings, reading: Reading) -> Floats:
    """Return the hedonic's own log price: the second opinion."""
    return surroundings.hedonic.predict(reading.inputs, reading.effects, reading.place)
