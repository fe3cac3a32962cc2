"""What makes a value doubtful: each has a flag that people read and a deviation that widens the interval.

A property unlike anything sold gets a wide interval or no value at all, never a confident number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from processor.valuation.frame import Floats, Frame, Objects
from processor.valuation.hedonic import Fit, Hedonic
from processor.valuation.plausibility import Bools, none_of
from processor.valuation.vocabulary import Reading

_IMPOSSIBLE_SD: Final = 0.5
_UNLIKE_SALES_SD: Final = 0.1
_MOST_UNLIKE_SD: Final = 0.5
_AREA_UNKNOWN_SD: Final = 0.35
_PER_REACH_SD: Final = 0.1
_MOST_REACH_SD: Final = 1.0
_SLACK_KM: Final = 1.0
_OUT_OF_REACH: Final = 20.0
_FURTHEST_KM: Final = 20.0
_FEW_SALES: Final = 30
_MOST_UNKNOWN: Final = 0.8
_MEANINGFUL_VARIANCE: Final = 0.01
_NEGLIGIBLE: Final = 1e-9
_AREA: Final = "living_area_sqft"


@dataclass(slots=True)
class Assessment:
    """The doubts about a batch: flags by name, their variance in log price, and why a row must not be valued."""

    n: int
    flags: dict[str, Bools] = field(default_factory=dict)
    variance: Floats = field(init=False)
    refusal: Objects = field(init=False)

    def __post_init__(self) -> None:
        self.variance = np.zeros(self.n)
        self.refusal = np.full(self.n, None, dtype=object)

    def doubt(self, flag: str, rows: Bools, deviation: Floats | float) -> None:
        """Flag rows and widen their intervals; a flag that marks nothing leaves no trace."""
        if rows.any():
            self.flags[flag] = self.flags.get(flag, np.zeros(self.n, dtype=bool)) | rows
            self.variance += np.where(rows, np.square(deviation), 0.0)

    def refuse(self, rows: Bools, message: str) -> None:
        """Say why rows get no value; the first reason stands."""
        self.refusal[rows & none_of(self.refusal)] = message


@dataclass(frozen=True, slots=True)
class Doubts:
    """What one county's sales can vouch for."""

    hedonic: Hedonic
    deviation: Floats
    lowest: Floats
    highest: Floats
    sales: int
    reach_km: float

    @classmethod
    def of(cls, fit: Fit, nearest_km: Floats) -> "Doubts":
        """Learn from the sales how far effects spread and how far the next sale usually is."""
        known = nearest_km[np.isfinite(nearest_km)]
        reach = float(np.quantile(known, 0.99)) + _SLACK_KM if len(known) else np.inf
        numbers = fit.hedonic.vocabulary.numbers
        lowest, highest = np.array([one.lowest for one in numbers]), np.array([one.highest for one in numbers])
        return cls(fit.hedonic, fit.effects.std(axis=0), lowest, highest, len(fit.residual), reach)

    def assess(self, frame: Frame, reading: Reading, impossible: Mapping[str, Bools], nearest_km: Floats) -> Assessment:
        """Collect the doubts about a batch of cleaned properties."""
        found = Assessment(frame.n)
        for name, rows in impossible.items():
            found.doubt(f"implausible:{name}", rows, _IMPOSSIBLE_SD)
        self._unlike_sales(found, frame, reading)
        self._unknown(found, reading)
        self._far_away(found, nearest_km)
        found.doubt("few_sales", np.full(frame.n, self.sales < _FEW_SALES), 0.0)
        return found

    def _unlike_sales(self, found: Assessment, frame: Frame, reading: Reading) -> None:
        vocabulary = self.hedonic.vocabulary
        beyond = np.fmax(reading.scaled - self.highest, self.lowest - reading.scaled)
        for column in np.flatnonzero((beyond > _NEGLIGIBLE).any(axis=0)).tolist():
            far = np.fmax(beyond[:, column], 0.0)
            deviation = np.fmin(_UNLIKE_SALES_SD * (1.0 + far), _MOST_UNLIKE_SD)
            found.doubt(f"outside_sales_range:{vocabulary.numbers[column].name}", far > _NEGLIGIBLE, deviation)
        first = len(vocabulary.numbers)
        for column, text in enumerate(vocabulary.texts):
            new = reading.codes[:, column] == len(text.levels)
            for row in np.flatnonzero(new).tolist():
                new[row] = frame.text[text.name][row] not in text.seen if text.name in frame.text else False
            found.doubt(f"not_among_sales:{text.name}", new, float(self.deviation[first + column]))

    def _unknown(self, found: Assessment, reading: Reading) -> None:
        variance = np.square(self.deviation)
        missing = (reading.unknown * variance).sum(axis=1)
        found.variance += missing
        total = float(variance.sum())
        if total > _MEANINGFUL_VARIANCE:
            message = "Too little is known of the property: what sets prices apart here is missing from its record."
            found.refuse(missing > _MOST_UNKNOWN * total, message)
        if _AREA in self.hedonic.names:
            area = reading.unknown[:, self.hedonic.names.index(_AREA)]
            found.doubt("living_area_unknown", area, _AREA_UNKNOWN_SD)
        if self.hedonic.vocabulary.surface is not None:
            found.doubt("location_unknown", np.isnan(reading.east), _UNLIKE_SALES_SD)

    def _far_away(self, found: Assessment, nearest_km: Floats) -> None:
        reaches = np.where(np.isfinite(nearest_km), nearest_km, 0.0) / self.reach_km
        deviation = np.fmin(_PER_REACH_SD * reaches + _UNLIKE_SALES_SD, _MOST_REACH_SD)
        found.doubt("outside_market_area", reaches > 1.0, deviation)
        lost = (reaches > _OUT_OF_REACH) | ((reaches > 1.0) & (nearest_km > _FURTHEST_KM + self.reach_km))
        found.refuse(lost, "The property lies far outside the area in which sales are known.")
