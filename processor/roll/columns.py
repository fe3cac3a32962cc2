"""Growing columns: numbers as float64, texts as category codes, written in batches and read by row.

A million parcels with 25 fields take about 250 MB this way; as dictionaries they would take ten times that.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processor.valuation.frame import Floats, Frame, Ints, Objects

_FIRST_CAPACITY: Final = 1024
_NUMBERS: Final = frozenset({int, float, type(None)})
_TEXTS: Final = frozenset({str, type(None)})
MOST_COLUMNS: Final = 1024
"""Columns a table may have of each kind; further names are refused, so that no record can exhaust the memory."""


class TextColumn:
    """Texts as codes into a list of distinct levels; code 0 is "unknown"."""

    def __init__(self) -> None:
        self.codes: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self._code_of: dict[str | None, int] = {None: 0}
        self._levels: Objects = np.full(1, None, dtype=object)

    def encode(self, texts: Sequence[str | None]) -> NDArray[np.int32]:
        """Return the code of each text, adding levels as they come."""
        code_of = self._code_of
        for text in texts:
            if text not in code_of:
                code_of[text] = len(code_of)
        return np.array([code_of[text] for text in texts], dtype=np.int32)

    def read(self, rows: Ints) -> Objects:
        """Return the texts of the rows."""
        if len(self._levels) != len(self._code_of):
            self._levels = np.array(list(self._code_of), dtype=object)
        return self._levels[self.codes[rows]]


class Columns:
    """A table that grows by rows and by columns.

    Whoever allocates rows writes all of them in the same call, so no cell is ever read unwritten. Not thread-safe:
    the owner locks.
    """

    def __init__(self) -> None:
        self._size = 0
        self._capacity = 0
        self._numbers: dict[str, Floats] = {}
        self._texts: dict[str, TextColumn] = {}
        self._names: frozenset[str] = frozenset()

    def names(self) -> frozenset[str]:
        """Return the names of all columns, of either kind."""
        return self._names

    def write(self, rows: Ints, records: Sequence[Mapping[str, object]], size: int) -> int:
        """Write one record to each row, replacing all the row held, in a table of ``size`` rows.

        ``rows`` are distinct. Returns how many values were refused (neither number nor text, or one column too many).
        """
        self._grow(size)
        names = sorted(set().union(*records) | self._names)
        refused = sum(self._write_column(name, rows, [record.get(name) for record in records]) for name in names)
        if len(self._numbers) + len(self._texts) > len(self._names):
            self._names = frozenset(self._numbers) | frozenset(self._texts)
        return refused

    def blank(self, rows: Ints) -> None:
        """Make every value of the rows unknown."""
        for numbers in self._numbers.values():
            numbers[rows] = np.nan
        for texts in self._texts.values():
            texts.codes[rows] = 0

    def read(self, rows: Ints) -> Frame:
        """Return the rows as a frame of their own."""
        return Frame(
            len(rows),
            {name: column[rows] for name, column in self._numbers.items()},
            {name: column.read(rows) for name, column in self._texts.items()},
        )

    def _write_column(self, name: str, rows: Ints, values: list[object]) -> int:
        kinds = set(map(type, values))
        if kinds <= _NUMBERS:
            return self._put(name, rows, values, None)
        if kinds <= _TEXTS:
            return self._put(name, rows, None, values)
        numbers: list[object] = [value if type(value) in _NUMBERS else None for value in values]
        texts: list[object] = [value if type(value) is str else None for value in values]
        lost = sum(type(value) not in _NUMBERS | _TEXTS for value in values)
        return lost + self._put(name, rows, numbers, texts)

    def _put(self, name: str, rows: Ints, numbers: list[object] | None, texts: list[object] | None) -> int:
        refused = 0
        if (column := self._number_column(name, numbers)) is not None:
            column[rows] = np.nan if numbers is None else np.array(numbers, dtype=np.float64)
        else:
            refused += _present(numbers)
        if (text_column := self._text_column(name, texts)) is not None:
            text_column.codes[rows] = 0 if texts is None else text_column.encode(texts)  # type: ignore[arg-type]
        else:
            refused += _present(texts)
        return refused

    def _number_column(self, name: str, values: list[object] | None) -> Floats | None:
        column = self._numbers.get(name)
        if column is None and _present(values) and len(self._numbers) < MOST_COLUMNS:
            column = self._numbers[name] = np.empty(self._capacity)
            column[: self._size] = np.nan
        return column

    def _text_column(self, name: str, values: list[object] | None) -> TextColumn | None:
        column = self._texts.get(name)
        if column is None and _present(values) and len(self._texts) < MOST_COLUMNS:
            column = self._texts[name] = TextColumn()
            column.codes = np.zeros(self._capacity, dtype=np.int32)
        return column

    def _grow(self, size: int) -> None:
        if size > self._capacity:
            # Untouched pages of a fresh array take no memory, so doubling costs address space only.
            self._capacity = max(_FIRST_CAPACITY, 2 * self._capacity, size)
            for name, column in self._numbers.items():
                self._numbers[name] = np.empty(self._capacity)
                self._numbers[name][: self._size] = column[: self._size]
            for text_column in self._texts.values():
                codes = np.zeros(self._capacity, dtype=np.int32)
                codes[: self._size] = text_column.codes[: self._size]
                text_column.codes = codes
        for column in self._numbers.values():
            column[self._size : size] = np.nan
        self._size = max(self._size, size)


def _present(values: Iterable[object] | None) -> int:
    return 0 if values is None else sum(value is not None for value in values)
