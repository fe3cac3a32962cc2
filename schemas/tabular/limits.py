"""Which numbers a standard field may have; others are slips of the pen, reported and taken for unknown."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

FIRST_YEAR: Final = 1600
_YEARS_AHEAD: Final = 2
"""A house may be sold before it is finished."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Bounds, both included, and what to say of a number outside of them."""

    low: float
    high: float
    reason: str


_NOT_NEGATIVE: Final = Limit(0, inf, "negative")
_AREA: Final = Limit(0, 1e10, "no possible area")

LIMITS: Final[Mapping[str, Limit]] = {
    "latitude": Limit(-90, 90, "no latitude"),
    "longitude": Limit(-180, 180, "no longitude"),
    "living_area_sqft": Limit(1, 1e7, "no possible living area"),
    "lot_size_sqft": _AREA,
    "basement_sqft": _AREA,
    "garage_sqft": _AREA,
    "bedrooms": _NOT_NEGATIVE,
    "bathrooms": _NOT_NEGATIVE,
    "stories": _NOT_NEGATIVE,
    "assessed_value": _NOT_NEGATIVE,
}


def outside(name: str, numbers: NDArray[np.float64], years: NDArray[np.int64]) -> tuple[NDArray[np.bool_], str]:
    """Return which numbers a standard field cannot have, and why not; ``years`` is when each row was true.

    A ``year_renovated`` of 0 says "never"; a coordinate of exactly 0 was never filled in.
    """
    if name in {"year_built", "year_renovated"}:
        impossible = (numbers < FIRST_YEAR) | (numbers > years + _YEARS_AHEAD)
        return impossible & ~((name == "year_renovated") & (numbers == 0)), "no possible year"
    limit = LIMITS.get(name)
    if limit is None:
        return np.zeros(len(numbers), dtype=np.bool_), ""
    at_origin = (numbers == 0) & (name in {"latitude", "longitude"})
    return (numbers < limit.low) | (numbers > limit.high) | at_origin, limit.reason
