"""Which characteristics of a property cannot be right.

A value that no property can have (area 0, thirty bedrooms, the year 3000) is treated as unknown and named, so that a
keying error widens the interval instead of moving the estimate.
"""

from collections.abc import Container, Mapping
from functools import lru_cache
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

_ANYTHING: Final = (-_LARGEST, _LARGEST)
_MOST_IMPOSSIBLE: Final = 0.2
_NOTHING: Final[frozenset[str]] = frozenset()

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


def implausible(frame: Frame, day: Ints, doubted: Container[str] = ()) -> dict[str, Bools]:
    """Name the columns with impossible entries and the rows that hold them, for properties seen on ``day``.

    The rules about columns in ``doubted`` are not applied, except that no number is beyond all measure.
    """
    names = list(frame.numeric)
    if not names:
        return {}
    table = np.array([frame.numeric[name] for name in names]).T
    low, high = _limits(tuple(names), frozenset(name for name in names if name in doubted) if doubted else _NOTHING)
    wrong = (table < low) | (table > high)
    column = {name: at for at, name in enumerate(names) if name not in doubted}
    newest = np.floor(year_of(day)) + _YEARS_UNDER_CONSTRUCTION
    for name in column.keys() & {"year_built", "year_renovated"}:
        years = table[:, column[name]]
        never = years == 0 if name == "year_renovated" else np.zeros(frame.n, dtype=np.bool_)
        wrong[:, column[name]] |= ~never & ((years < _OLDEST_YEAR) | (years > newest))
    if "bedrooms" in column and "living_area_sqft" in frame.numeric:
        rooms = frame.numeric["living_area_sqft"] / _SMALLEST_ROOM_SQFT
        wrong[:, column["bedrooms"]] |= rooms < table[:, column["bedrooms"]]
    if {"latitude", "longitude"} <= column.keys():
        latitude, longitude = column["latitude"], column["longitude"]
        nowhere = (table[:, latitude] == 0) & (table[:, longitude] == 0)
        wrong[:, latitude] |= nowhere
        wrong[:, longitude] |= nowhere
    if not wrong.any():
        return {}
    return {names[at]: wrong[:, at] for at in np.flatnonzero(wrong.any(axis=0)).tolist()}


@lru_cache(maxsize=256)
def _limits(names: tuple[str, ...], doubted: frozenset[str]) -> tuple[Floats, Floats]:
    """Return the least and the greatest that each column may hold."""
    pairs = np.array([_ANYTHING if name in doubted else _LIMITS.get(name, _ANYTHING) for name in names])
    return pairs[:, 0].copy(), pairs[:, 1].copy()


def doubted_columns(found: Mapping[str, Bools]) -> frozenset[str]:
    """Name the columns that look impossible in more than a fifth of the sales: there the rule is wrong, not the data.

    A county that counts in square metres, or any rooms as bedrooms, is not to lose its sales for it.
    """
    return frozenset(name for name, rows in found.items() if rows.mean() > _MOST_IMPOSSIBLE)


def cleaned(frame: Frame, impossible: Mapping[str, Bools]) -> Frame:
    """Return the frame as the engine reads it: impossible entries unknown, "never renovated" as of the year built."""
    numeric = dict(frame.numeric)
    for name, rows in impossible.items():
        if name in numeric:
            numeric[name] = np.where(rows, np.nan, numeric[name])
    if "year_renovated" in numeric and "year_built" in numeric:
        renovated, built = numeric["year_renovated"], numeric["year_built"]
        numeric["year_renovated"] = np.where(renovated > 0, np.fmax(renovated, built), built)
    return Frame(frame.n, numeric, frame.text)
