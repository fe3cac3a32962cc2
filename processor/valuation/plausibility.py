"""Which characteristics of a property cannot be right.

A value that no property can have (area 0, thirty bedrooms, the year 3000) is treated as unknown and named, so that a
keying error widens the interval instead of moving the estimate.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processor.valuation.frame import Floats, Frame, Ints, Objects

Bools = NDArray[np.bool_]

_EPOCH_YEAR: Final = 1970.0
_DAYS_IN_YEAR: Final = 365.2425
_OLDEST_YEAR: Final = 1600.0
_YEARS_UNDER_CONSTRUCTION: Final = 2.0
_SMALLEST_ROOM_SQFT: Final = 75.0
"""Living area per bedroom below which the record is a keying error (King County: 33 bedrooms in 1,620 sqft)."""

_LARGEST: Final = 1e15
"""No characteristic of a property is larger; beyond it arithmetic begins to fail."""

_LIMITS: Final[dict[str, tuple[float, float]]] = {
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 180.0),
    "living_area_sqft": (50.0, 100_000.0),
    "lot_size_sqft": (0.0, 1e9),
    "basement_sqft": (0.0, 50_000.0),
    "garage_sqft": (0.0, 50_000.0),
    "bedrooms": (0.0, 20.0),
    "bathrooms": (0.0, 20.0),
    "stories": (0.0, 120.0),
}


def none_of(column: Objects) -> Bools:
    """Tell where an object column holds None."""
    return np.fromiter((entry is None for entry in column), dtype=np.bool_, count=len(column))


def year_of(day: Ints) -> Floats:
    """Return the calendar year (with fraction) of days since 1970-01-01."""
    return _EPOCH_YEAR + day / _DAYS_IN_YEAR


def _outside(low: float, high: float) -> Callable[[Floats], Bools]:
    return lambda values: (values < low) | (values > high)


def implausible(frame: Frame, day: Ints) -> dict[str, Bools]:
    """Name the columns with impossible entries and the rows that hold them, for properties seen on ``day``."""
    found = {
        name: _outside(low, high)(frame.numeric[name]) for name, (low, high) in _LIMITS.items() if name in frame.numeric
    }
    newest = np.floor(year_of(day)) + _YEARS_UNDER_CONSTRUCTION
    for name in ("year_built", "year_renovated"):
        years = frame.number(name)
        known = years > 0 if name == "year_renovated" else np.isfinite(years)
        found[name] = known & ((years < _OLDEST_YEAR) | (years > newest))
    crowded = frame.number("living_area_sqft") / _SMALLEST_ROOM_SQFT < frame.number("bedrooms")
    nowhere = (frame.number("latitude") == 0) & (frame.number("longitude") == 0)
    for name, rows in (("bedrooms", crowded), ("latitude", nowhere), ("longitude", nowhere)):
        found[name] = found.get(name, np.zeros(frame.n, dtype=bool)) | rows
    for name, column in frame.numeric.items():
        found[name] = found.get(name, np.zeros(frame.n, dtype=bool)) | (np.abs(column) > _LARGEST)
    return {name: rows for name, rows in found.items() if rows.any()}


def cleaned(frame: Frame, impossible: dict[str, Bools]) -> Frame:
    """Return the frame as the engine reads it: impossible entries unknown, "never renovated" as of the year built."""
    numeric = dict(frame.numeric)
    for name, rows in impossible.items():
        if name in numeric:
            numeric[name] = np.where(rows, np.nan, numeric[name])
    if "year_renovated" in numeric and "year_built" in numeric:
        renovated, built = numeric["year_renovated"], numeric["year_built"]
        numeric["year_renovated"] = np.where(renovated > 0, np.fmax(renovated, built), built)
    return Frame(frame.n, numeric, frame.text)
