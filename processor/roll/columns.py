"""Growing columns: numbers as float64, texts as category codes, written in batches and read by row.

A million parcels with 25 fields take about 250 MB this way; as dictionaries they would take ten times that.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processor.roll.fields import ANY, Rule
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

    def levels(self) -> list[str | None]:
        """Return every text that has a code, in the order of the codes."""
        return list(self._code_of)

    def restore(self, codes: NDArray[np.int32], levels: Sequence[str | None]) -> None:
        """Take over codes and what they stand for."""
        self.codes = codes
        self._code_of = {level: code for code, level in enumerate(levels)}

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

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._rules = rules
        self._size = 0
        self._capacity = 0
        self._numbers: dict[str, Floats] = {}
        self._texts: dict[str, TextColumn] = {}
        self._names: frozenset[str] = frozenset()

    def names(self) -> frozenset[str]:
        """Return the names of all columns, of either kind."""
        return self._names

    def write(self, rows: Ints, records: Sequence[Mapping[str, object]], names: Iterable[str], size: int) -> int:
        """Write the named members of one record to each row, replacing all the row held, in a table of ``size`` rows.

        ``rows`` are distinct. Returns how many values were refused: of a kind that the rules do not allow, out of
        bounds, or in one column too many.
        """
        self._grow(size)
        refused = 0
        for name in sorted(self._names.union(names)):
            refused += self._write_column(name, rows, [record.get(name) for record in records])
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

    def kinds(self) -> tuple[list[str], list[str]]:
        """Return the names of the columns that hold numbers, and of those that hold texts."""
        return sorted(self._numbers), sorted(self._texts)

    def numbers(self, name: str, rows: Ints) -> Floats:
        """Return a copy of a numeric column's rows."""
        return self._numbers[name][rows]

    def texts(self, name: str, rows: Ints) -> tuple[NDArray[np.int32], list[str | None]]:
        """Return a copy of a text column's codes at the rows, and what the codes stand for."""
        column = self._texts[name]
        return column.codes[rows], column.levels()

    def restore(self, size: int, numbers: Mapping[str, Floats], texts: Mapping[str, TextColumn]) -> None:
        """Take over whole columns of ``size`` rows; the table was empty before."""
        self._size = self._capacity = size
        self._numbers, self._texts = dict(numbers), dict(texts)
        self._names = frozenset(numbers) | frozenset(texts)

    def _write_column(self, name: str, rows: Ints, values: Sequence[object]) -> int:
        rule = self._rules.get(name, ANY)
        kinds = set(map(type, values))
        if kinds <= _NUMBERS and rule.number:
            return self._put(name, rows, _numbers(values), None)
        if kinds <= _TEXTS and rule.text:
            return self._put(name, rows, None, _texts(values))
        numbers = _numbers([value if type(value) in _NUMBERS else None for value in values]) if rule.number else None
        texts = _texts([value if type(value) is str else None for value in values]) if rule.text else None
        kept = _present(numbers) + sum(text is not None for text in texts or ())
        return sum(value is not None for value in values) - kept + self._put(name, rows, numbers, texts)

    def _put(self, name: str, rows: Ints, numbers: Floats | None, texts: Sequence[str | None] | None) -> int:
        return self._put_numbers(name, rows, numbers) + self._put_texts(name, rows, texts)

    def _put_numbers(self, name: str, rows: Ints, numbers: Floats | None) -> int:
        refused = 0
        if numbers is not None and (rule := self._rules.get(name, ANY)).number:
            outside = (numbers < rule.low) | (numbers > rule.high)
            refused = int(outside.sum())
            numbers[outside] = np.nan
        column = self._numbers.get(name)
        if column is None and _present(numbers):
            if len(self._numbers) >= MOST_COLUMNS:
                return refused + _present(numbers)
            column = self._numbers[name] = np.empty(self._capacity)
            column[: self._size] = np.nan
        if column is not None:
            column[rows] = np.nan if numbers is None else numbers
        return refused

    def _put_texts(self, name: str, rows: Ints, texts: Sequence[str | None] | None) -> int:
        present = sum(text is not None for text in texts or ())
        column = self._texts.get(name)
        if column is None and present:
            if len(self._texts) >= MOST_COLUMNS:
                return present
            column = self._texts[name] = TextColumn()
            column.codes = np.zeros(self._capacity, dtype=np.int32)
        if column is not None:
            column.codes[rows] = 0 if texts is None else column.encode(texts)
        return 0

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


def _numbers(values: Sequence[object]) -> Floats:
    return np.array(values, dtype=np.float64)


def _texts(values: Sequence[object]) -> Sequence[str | None]:
    return values  # type: ignore[return-value] # whoever calls has looked at every kind


def _present(numbers: Floats | None) -> int:
    return 0 if numbers is None else int(np.count_nonzero(~np.isnan(numbers)))
