"""Column tables that the roll, the training and the engine share, and the protocol of an engine over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Objects = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Frame:
    """A table of ``n`` properties in columns.

    ``numeric`` columns are float64 with NaN for "unknown"; ``text`` columns are object arrays of ``str`` or ``None``
    for "unknown" (an empty string is a level of its own). A column that is absent is unknown for every row.
    """

    n: int
    numeric: Mapping[str, Floats]
    text: Mapping[str, Objects]

    @classmethod
    def from_records(cls, records: Sequence[Mapping[str, object]]) -> Self:
        """Build a frame from flat mappings: numbers become numeric columns, strings text columns.

        A name that carries numbers in some rows and text in others gives one column of each kind.
        """
        n = len(records)
        numeric: dict[str, Floats] = {}
        text: dict[str, Objects] = {}
        for row, record in enumerate(records):
            for name, value in record.items():
                if isinstance(value, str):
                    if name not in text:
                        text[name] = np.full(n, None, dtype=object)
                    text[name][row] = value
                elif isinstance(value, int | float):
                    if name not in numeric:
                        numeric[name] = np.full(n, np.nan)
                    numeric[name][row] = value
        return cls(n, numeric, text)

    def number(self, name: str) -> Floats:
        """Return a numeric column, all NaN where the frame has none of that name."""
        column = self.numeric.get(name)
        return np.full(self.n, np.nan) if column is None else column

    def words(self, name: str) -> Objects:
        """Return a text column, all ``None`` where the frame has none of that name."""
        column = self.text.get(name)
        return np.full(self.n, None, dtype=object) if column is None else column

    def take(self, rows: Ints) -> "Frame":
        """Return the named rows, in that order, as a new frame that shares no memory with this one."""
        return Frame(
            len(rows),
            {name: column[rows] for name, column in self.numeric.items()},
            {name: column[rows] for name, column in self.text.items()},
        )

    def with_overrides(self, overrides: Mapping[int, Mapping[str, float | str | None]]) -> "Frame":
        """Return a copy in which the named rows carry other characteristics: a number, a text, or None (unknown)."""
        copy = self.take(np.arange(self.n))
        numeric, text = dict(copy.numeric), dict(copy.text)
        for row, changes in overrides.items():
            for name, value in changes.items():
                if name in numeric:
                    numeric[name][row] = np.nan
                if name in text:
                    text[name][row] = None
                if isinstance(value, str):
                    text.setdefault(name, self.words(name))[row] = value
                elif value is not None:
                    numeric.setdefault(name, self.number(name))[row] = value
        return Frame(self.n, numeric, text)


@dataclass(frozen=True, slots=True)
class Sales:
    """Every sale known of a county, with the characteristics of what was sold.

    ``day`` is the sale date and ``known_day`` the first day the sale may be known (recording lag, month precision),
    both in days since 1970-01-01; ``price`` is in dollars. ``ineligible`` holds None for a sale that may be used and
    else the reason why not. ``version`` names the content: the same set of sales gives the same version, in any order.
    """

    sale_id: Objects
    property_id: Objects
    document_number: Objects
    day: Ints
    known_day: Ints
    price: Floats
    ineligible: Objects
    frame: Frame
    version: str

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True, slots=True)
class Subjects:
    """The properties to value: their characteristics, the day to value them at, and the method asked for, if any."""

    property_id: Sequence[str]
    frame: Frame
    day: Ints
    method_hint: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.property_id)


@dataclass(frozen=True, slots=True)
class InsufficientData:
    """The evidence does not carry a value; ``message`` says what is missing."""

    message: str


class Engine(Protocol):
    """Values properties of one county.

    An engine is immutable: the same subjects give the same bytes, alone or in any batch, in any thread.
    """

    @property
    def county_id(self) -> str:
        """The county whose properties this engine values."""
        ...

    @property
    def version(self) -> str:
        """What results name as ``model_version``."""
        ...

    def value(self, subjects: Subjects) -> list[bytes | InsufficientData]:
        """Value a batch: for each subject the ``result`` object as UTF-8 JSON, or why there is none.

        May take tens of milliseconds; releases the interpreter lock where it computes.
        """
        ...
