"""Reads a file of sales and values: which rows can be studied, and what is wrong with the others."""

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
from schemas.tabular.cells import as_texts
from schemas.tabular.errors import FileUnusable
from schemas.tabular.files import TableFile, open_table
from schemas.tabular.mapping import FileOptions
from schemas.tabular.numbers import as_numbers

PRICE: Final = "sale_price"
VALUE: Final = "estimate"
LOW: Final = "value_low"
HIGH: Final = "value_high"
DATE: Final = "sale_date"
LATITUDE: Final = "latitude"
LONGITUDE: Final = "longitude"
_EPOCH: Final = date(1970, 1, 1)
_NUMBERS: Final = (PRICE, VALUE, LOW, HIGH, LATITUDE, LONGITUDE)
_KNOWN: Final = frozenset({*_NUMBERS, DATE})


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
    ``longitude``. Files may be of any kind that a county's sales may come in; numbers may carry ``$`` and commas.

    Raises:
        UnreadableFile: the file cannot be read, or a needed column is missing.
        NoUsableSales: no row has a positive price and a positive value.
    """
    try:
        table = open_table(path, FileOptions())
        columns = [name for name in dict.fromkeys(table.header) if name]
        missing = [name for name in (PRICE, VALUE) if name not in columns]
        if missing:
            found = ", ".join(columns)
            raise UnreadableFile(f"{path}: no column {' and no column '.join(missing)}; found: {found}")
        rows = _Rows.of(table, columns)
    except FileUnusable as error:
        raise UnreadableFile(str(error)) from error
    return _pairs(rows, columns, path)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The cells of a file as texts by column, the line of each row, and lines that are no rows."""

    cells: dict[str, list[str]]
    line: list[int]
    ragged: list[Rejected]

    @classmethod
    def of(cls, table: TableFile, columns: Sequence[str]) -> "_Rows":
        found = cls({name: [] for name in columns}, [], [])
        for chunk in table.chunks(columns):
            found.line.extend(chunk.lines)
            found.ragged.extend(Rejected(each.line, each.reason) for each in chunk.ragged)
            for name, column in zip(columns, chunk.columns, strict=True):
                found.cells[name].extend(as_texts(column))
        return found


def _pairs(rows: _Rows, columns: Sequence[str], path: Path) -> Pairs:
    both = [_reasons(rows.cells[name], name) for name in (PRICE, VALUE)]
    reasons = [one or other for one, other in zip(*both, strict=True)]
    rejected = [Rejected(line, reason) for line, reason in zip(rows.line, reasons, strict=True) if reason]
    rejected = sorted([*rejected, *rows.ragged], key=lambda each: each.line)
    kept = [at for at, reason in enumerate(reasons) if not reason]
    if not kept:
        raise NoUsableSales(f"{path}: no row has a positive price and a positive value ({len(rejected)} rejected).")
    texts = {name: [column[at] for at in kept] for name, column in rows.cells.items()}
    numbers = {name: as_numbers(texts[name])[0] for name in _NUMBERS if name in texts}
    bounded, located = {LOW, HIGH} <= numbers.keys(), {LATITUDE, LONGITUDE} <= numbers.keys()
    return Pairs(
        numbers[PRICE],
        numbers[VALUE],
        low=numbers[LOW] if bounded else None,
        high=numbers[HIGH] if bounded else None,
        day=_days(texts[DATE]) if DATE in texts else None,
        latitude=numbers[LATITUDE] if located else None,
        longitude=numbers[LONGITUDE] if located else None,
        strata={name: texts[name] for name in columns if name not in _KNOWN},
        rejected=rejected,
    )


def _days(texts: Sequence[str]) -> NDArray[np.int64] | None:
    """Read the sale dates; None unless every one is a date."""
    try:
        dates = [date.fromisoformat(text[:10]) for text in texts]
    except ValueError:
        return None
    return np.array([(one - _EPOCH).days for one in dates], dtype=np.int64)


def _reasons(texts: Sequence[str], name: str) -> list[str]:
    """Return for each cell why it cannot be studied, empty where it can."""
    numbers, _ = as_numbers(texts)
    return ["" if number > 0 else _reason(text, number, name) for text, number in zip(texts, numbers, strict=True)]


def _reason(text: str, number: float, name: str) -> str:
    if not text:
        return f"{name} is empty"
    if math.isnan(number):
        return f"{name} is {text!r}, not a number"
    return f"{name} is {text}; only positive numbers can be studied"
