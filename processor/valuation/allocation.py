"""Splits a value into land and improvements in the proportion of a cost form fitted to the county's sales.

The split is an allocation, not two appraisals: price = a x place x lot^b + c x living area x workmanship, with a and c
found by non-negative least squares and drawn to a land share that is ordinary everywhere.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from processor.valuation.frame import Floats, Frame

_LOT_ELASTICITY: Final = 0.3
_USUAL_LAND_SHARE: Final = 0.3
_BELIEF: Final = 0.1
"""How many sales' worth of belief the usual share has, per sale."""

_SOMETHING: Final = 1e-6
_SHARE_LIMITS: Final = (0.05, 0.95)


@dataclass(frozen=True, slots=True)
class LandSplit:
    """The fitted cost form of one county."""

    land: float
    building: float
    usual_lot: float
    usual_area: float

    @classmethod
    def fitted(cls, frame: Frame, price: Floats, place: Floats, building: Floats) -> "LandSplit":
        """Fit on sales; ``price`` at one date, ``place`` and ``building`` log effects of location and workmanship."""
        lot, area = frame.number("lot_size_sqft"), frame.number("living_area_sqft")
        start = cls(1.0, 1.0, _median(lot), _median(area))
        unit = float(np.median(price))
        ground, house = start._parts(frame, place, building)
        rows = np.column_stack([ground, house]) * (unit / price)[:, None]
        usual = np.array([np.median(ground), np.median(house)])
        weight = _BELIEF * len(price)
        gram = (rows[:, :, None] * rows[:, None, :]).sum(axis=0) + weight * np.diag(usual**2)
        moment = rows.sum(axis=0) + weight * usual * np.array([_USUAL_LAND_SHARE, 1 - _USUAL_LAND_SHARE])
        land, built = _never_negative(gram, moment)
        return cls(round(float(land), 9), round(float(built), 9), start.usual_lot, start.usual_area)

    def cost(self, frame: Frame, place: Floats, building: Floats) -> Floats:
        """Return what the fitted form says land and building cost together, in dollars at the fit's date."""
        return self.cost_and_share(frame, place, building)[0]

    def share(self, frame: Frame, place: Floats, building: Floats) -> Floats:
        """Return the share of the land in each value, between 5 and 95 %."""
        return self.cost_and_share(frame, place, building)[1]

    def cost_and_share(self, frame: Frame, place: Floats, building: Floats) -> tuple[Floats, Floats]:
        """Return both."""
        ground, house = self._parts(frame, place, building)
        total = self.land * ground + self.building * house
        share = np.where(total > 0, self.land * ground / np.where(total > 0, total, 1.0), _USUAL_LAND_SHARE)
        return total, np.fmin(np.fmax(share, _SHARE_LIMITS[0]), _SHARE_LIMITS[1])

    def _parts(self, frame: Frame, place: Floats, building: Floats) -> tuple[Floats, Floats]:
        lot = _filled(frame.number("lot_size_sqft"), self.usual_lot) / self.usual_lot
        area = _filled(frame.number("living_area_sqft"), self.usual_area) / self.usual_area
        return np.exp(place + _LOT_ELASTICITY * np.log(lot)), np.exp(building) * area


def _never_negative(gram: Floats, moment: Floats) -> tuple[float, float]:
    """Solve two normal equations under the condition that neither unknown is negative."""
    first, second = np.linalg.solve(gram, moment).tolist()
    if first < 0:
        return 0.0, max(float(moment[1] / gram[1, 1]), 0.0)
    if second < 0:
        return max(float(moment[0] / gram[0, 0]), 0.0), 0.0
    return first, second


def _median(column: Floats) -> float:
    known = column[column > _SOMETHING]
    return float(np.median(known)) if len(known) else 1.0


def _filled(column: Floats, usual: float) -> Floats:
    return np.where(column > _SOMETHING, column, usual)
