"""Rows of delimited text with the physical line each begins at; a stray quote costs its own line and no other."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_LONGEST_FIELD: Final = 1 << 24
_NO_QUOTES: Final = csv.QUOTE_NONE


@dataclass(slots=True)
class Row:
    """A row of the table. Not frozen, because a million are read in a row."""

    line: int
    fields: Sequence[str]


@dataclass(frozen=True, slots=True)
class RaggedRow:
    """A line that is no row of the table: too few or too many fields."""

    line: int
    text: str
    reason: str


def read_header(lines: Iterable[str], delimiter: str) -> list[str]:
    """Return the column names, without the spaces around them; none where there is no line."""
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        return [name.strip() for name in next(csv.reader(lines, delimiter=delimiter), [])]
    except csv.Error:
        return []


def read_rows(lines: Iterable[str], delimiter: str, width: int) -> Iterator[Row | RaggedRow]:
    """Read all rows after the header; blank lines are passed over.

    A quote that is never closed, or closed lines later, would swallow the rows between: a record of several lines is
    taken as one row only if its lines could not be rows of their own.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    tracked = _Tracked(lines)
    reader = csv.reader(tracked, delimiter=delimiter)
    next(reader, None)
    while True:
        start = tracked.number + 1
        tracked.taken.clear()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            fields = []
        if len(tracked.taken) > 1 and (len(fields) != width or _are_rows(tracked.taken, delimiter, width)):
            yield from _one_by_one(tracked.taken, start, delimiter, width)
        elif len(fields) == width:
            yield Row(start, fields)
        elif any(field.strip() for field in fields) or len(fields) > 1:
            yield _fitted(start, fields, width, tracked.taken[0])


class _Tracked:
    """Hands out lines, counting them and remembering those of the current record."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> "_Tracked":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self.taken.append(line)
        return line


def _are_rows(lines: Sequence[str], delimiter: str, width: int) -> bool:
    return all(line.count(delimiter) >= width - 1 for line in lines)


def _one_by_one(lines: Sequence[str], start: int, delimiter: str, width: int) -> Iterator[Row | RaggedRow]:
    for line, text in enumerate(lines, start):
        quoted = next(csv.reader([text], delimiter=delimiter), [])
        literal = next(csv.reader([text], delimiter=delimiter, quoting=_NO_QUOTES), [])
        if len(quoted) != width and len(literal) == width:
            yield Row(line, [field.strip('" \r\n') for field in literal])
        elif quoted:
            yield _fitted(line, quoted, width, text)


def _fitted(line: int, fields: Sequence[str], width: int, text: str) -> Row | RaggedRow:
    if len(fields) == width or (len(fields) > width and not any(field.strip() for field in fields[width:])):
        return Row(line, fields[:width])
    return RaggedRow(line, text.rstrip("\r\n"), f"{len(fields)} fields where the header has {width}")
