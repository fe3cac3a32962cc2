"""What the training sales can vouch for: unknown inputs are filled in and named, unusual ones flagged, both widen.

A property unlike anything sold gets a wide interval or no value at all, never a confident number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from processor.valuation.doubts import Assessment
from processor.valuation.frame import Floats
from processor.valuation.model.features import Inputs
from processor.valuation.model.model import NOWHERE, Model, Reading, Surroundings
from processor.valuation.plausibility import Bools

_IMPOSSIBLE_SD: Final = 0.5
_UNLIKE_SALES_SD: Final = 0.1
_MOST_UNLIKE_SD: Final = 0.5
_AREA_UNKNOWN_SD: Final = 0.35
_PER_REACH_SD: Final = 0.15
_MOST_REACH_SD: Final = 1.0
_OUT_OF_REACH: Final = 20.0
_FURTHEST_KM: Final = 20.0
_MOST_UNKNOWN: Final = 0.8
_RARELY_UNKNOWN: Final = 0.02
_AREA: Final = "living_area_sqft"


@dataclass(frozen=True, slots=True)
class Support:
    """Per number what training saw of it, per explanation line how much it moves log prices, and how dense sales lie.

    ``lowest``, ``highest``, ``usual`` and ``spread`` [P] are on the hedonic's scale except ``usual``; ``rarely`` marks
    numbers that training nearly always knew, so that its trees never learned what "unknown" means. ``middle`` [codes,
    2] is where each area's sales lie in degrees. ``reach_km`` is how far the nearest sale may be without doubt.
    """

    lowest: Floats
    highest: Floats
    spread: Floats
    usual: Floats
    rarely: Bools
    deviation: Floats
    middle: Floats
    reach_km: float

    def fill(self, surroundings: Surroundings, inputs: Inputs) -> tuple[Inputs, Bools]:
        """Return the inputs with the usual number where an unexpected one is missing, and which numbers those were."""
        missing = np.isnan(inputs.numbers) & self.rarely
        if not missing.any():
            return inputs, missing
        numbers = np.where(missing, self.usual, inputs.numbers)
        projection, area = surroundings.projection, surroundings.places.area
        if projection is not None:
            columns = list(projection.columns)
            lost = missing[:, columns].any(axis=1)
            codes = inputs.codes[:, area] if area != NOWHERE else np.zeros(len(numbers), dtype=np.int64)
            for at, column in enumerate(columns):
                numbers[lost, column] = self.middle[codes[lost], at]
                missing[lost, column] = True
        return Inputs(numbers, inputs.codes), missing

    def assess(
        self,
        model: Model,
        reading: Reading,
        unknown: Bools,
        impossible: Mapping[str, Bools],
    ) -> Assessment:
        """Collect the doubts about a batch."""
        surroundings = model.surroundings
        found = Assessment(len(unknown))
        for name, rows in impossible.items():
            if name in surroundings.plan.numeric:
                found.doubt(f"implausible:{name}", rows, _IMPOSSIBLE_SD)
        self._unlike_sales(found, model, reading)
        self._unknown(found, model, unknown)
        self._far_away(found, reading.near.distance[:, 0])
        return found

    def _unlike_sales(self, found: Assessment, model: Model, reading: Reading) -> None:
        surroundings = model.surroundings
        scaled = surroundings.hedonic.curves.scaled(reading.inputs.numbers)
        beyond = np.fmax(np.fmax(scaled - self.highest, self.lowest - scaled) / self.spread, 0.0)
        beyond[np.isnan(beyond)] = 0.0
        for column in np.flatnonzero((beyond > 0).any(axis=0)).tolist():
            deviation = np.fmin(_UNLIKE_SALES_SD * (1.0 + beyond[:, column]), _MOST_UNLIKE_SD)
            found.doubt(f"outside_sales_range:{surroundings.plan.numeric[column]}", beyond[:, column] > 0, deviation)
        for column, category in enumerate(surroundings.plan.categories):
            new = reading.inputs.codes[:, column] == category.unseen
            found.doubt(f"not_among_sales:{category.name}", new, float(self.deviation[model.line_of_category[column]]))

    def _unknown(self, found: Assessment, model: Model, unknown: Bools) -> None:
        if not unknown.any():
            return
        surroundings, plan = model.surroundings, model.surroundings.plan
        marked = np.zeros((len(unknown), len(self.deviation)), dtype=bool)
        for column in np.flatnonzero(unknown.any(axis=0)).tolist():
            marked[:, model.line_of_number[column]] |= unknown[:, column]
        variance = np.square(self.deviation)
        missing = (marked * variance).sum(axis=1)
        found.variance += missing
        message = "Too little is known of the property: what sets prices apart here is missing from its record."
        found.refuse(missing > _MOST_UNKNOWN * float(variance.sum()), message)
        if _AREA in plan.numeric:
            found.doubt("living_area_unknown", unknown[:, plan.numeric.index(_AREA)], _AREA_UNKNOWN_SD)
        if surroundings.projection is not None:
            lost = unknown[:, surroundings.projection.columns[0]]
            found.doubt("location_unknown", lost, _UNLIKE_SALES_SD)

    def _far_away(self, found: Assessment, nearest_km: Floats) -> None:
        if not (np.isfinite(nearest_km) & (nearest_km > self.reach_km)).any():
            return
        reaches = np.where(np.isfinite(nearest_km), nearest_km, 0.0) / self.reach_km
        deviation = np.fmin(_PER_REACH_SD * reaches, _MOST_REACH_SD)
        found.doubt("outside_market_area", reaches > 1.0, deviation)
        lost = (reaches > _OUT_OF_REACH) | ((reaches > 1.0) & (nearest_km > _FURTHEST_KM + self.reach_km))
        found.refuse(lost, "The property lies far outside the area in which sales are known.")


def rarely_unknown(numbers: Floats) -> Bools:
    """Mark the numbers that are nearly always known."""
    return np.asarray(np.isnan(numbers).mean(axis=0) < _RARELY_UNKNOWN, dtype=np.bool_)
