"""Reads a CSV of sales and values: which rows can be studied, and what is wrong with the others."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processor.ratio_study.errors import NoUsableSales, UnreadableFile
from processor.ratio_study.statistics import Floats

PRICE: Final = "sale_price"
VALUE: Final = "estimate"
LOW: Final = "value_low"
HIGH: Final = "value_high"
DATE: Final = "sale_date"
LATITUDE: Final = "latitude"
LONGITUDE: Final = "longitude"
_EPOCH: Final = date(1970, 1, 1)
_KNOWN: Final = frozenset({PRICE, VALUE, LOW, HIGH, DATE, LATITUDE, LONGITUDE})


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is left out of the study."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """Sales and values; bounds of the 90 % intervals, days since 1970-01-01 and places where they are known.

    ``strata`` are groupings of the sales by name, ``rejected`` the rows that were left out.
    """

    price: Floats
    value: Floats
    low: Floats | None = None
    high: Floats | None = None
    day: NDArray[np.int64] | None = None
    latitude: Floats | None = None
    longitude: Floats | None = None
    strata: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rejected: Sequence[Rejected] = ()


def read_pairs(path: Path) -> Pairs:
    """Read ``sale_price`` and ``estimate``; every column that is not known is a grouping of the sales.

    Known are also ``value_low`` and ``value_high``, and for the charts ``sale_date`` (ISO 8601), ``latitude`` and
    ``longitude``.

    Raises:
        UnreadableFile: the file cannot be read, or a needed column is missing.
        NoUsableSales: no row has a positive price and a positive value.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _read(csv.DictReader(file, skipinitialspace=True), path)
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"{path}: not a CSV file in UTF-8: {error}") from error


def _read(reader: "csv.DictReader[str]", path: Path) -> Pairs:
    columns = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = columns
    missing = [name for name in (PRICE, VALUE) if name not in columns]
    if missing:
        raise UnreadableFile(f"{path}: no column {' and no column '.join(missing)}; found: {', '.join(columns) or '-'}")
    rows: list[dict[str, str]] = []
    numbers: list[tuple[float, float]] = []
    rejected: list[Rejected] = []
    for row in reader:
        try:
            numbers.append((_positive(row, PRICE), _positive(row, VALUE)))
        except ValueError as error:
            rejected.append(Rejected(reader.line_num, str(error)))
        else:
            rows.append(row)
    if not rows:
        raise NoUsableSales(f"{path}: no row has a positive price and a positive value ({len(rejected)} rejected).")
    price, value = np.array(numbers).T.copy()
    names = [name for name in columns if name and name not in _KNOWN]
    return Pairs(
        price,
        value,
        low=_optional(rows, LOW) if {LOW, HIGH} <= set(columns) else None,
        high=_optional(rows, HIGH) if {LOW, HIGH} <= set(columns) else None,
        day=_days(rows) if DATE in columns else None,
        latitude=_optional(rows, LATITUDE) if {LATITUDE, LONGITUDE} <= set(columns) else None,
        longitude=_optional(rows, LONGITUDE) if {LATITUDE, LONGITUDE} <= set(columns) else None,
        strata={name: [row[name] or "" for row in rows] for name in names},
        rejected=rejected,
    )


def _days(rows: Sequence[Mapping[str, str | None]]) -> NDArray[np.int64] | None:
    """Read the sale dates; None unless every one is a date."""
    try:
        dates = [date.fromisoformat((row[DATE] or "").strip()[:10]) for row in rows]
    except ValueError:
        return None
    return np.array([(one - _EPOCH).days for one in dates], dtype=np.int64)


def _positive(row: Mapping[str, str | None], name: str) -> float:
    text = (row[name] or "").strip()
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{name} is {text!r}, not a number" if text else f"{name} is empty") from None
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} is {text}; only positive numbers can be studied")
    return number


def _optional(rows: Sequence[Mapping[str, str | None]], name: str) -> Floats:
    def number(text: str | None) -> float:
        try:
            return float(text or "nan")
        except ValueError:
            return math.nan

    return np.array([number(row[name]) for row in rows])
