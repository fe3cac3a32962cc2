"""From a county's columns to the numbers the models read: which columns, and categories as codes.

The same reading serves training and valuation, so that a property means the same on both sides.
"""

from dataclasses import dataclass

import numpy as np

from processor.valuation.frame import Floats, Frame, Ints, Objects


@dataclass(frozen=True, slots=True)
class Category:
    """A text column and its levels as known from training; codes run over them, then "unknown", then "never seen"."""

    name: str
    levels: tuple[str, ...]

    @property
    def unknown(self) -> int:
        """The code of a missing text."""
        return len(self.levels)

    @property
    def unseen(self) -> int:
        """The code of a level that training never saw."""
        return len(self.levels) + 1

    @property
    def size(self) -> int:
        """How many codes there are."""
        return len(self.levels) + 2

    def codes(self, words: Objects) -> Ints:
        """Return the code of each text; spaces around it do not count."""
        table: dict[str | None, int] = {level: code for code, level in enumerate(self.levels)}
        table[None] = self.unknown
        found = [table.get(word) for word in words.tolist()]
        unseen = self.unseen
        return np.array(
            [
                table.get(word.strip(), unseen) if code is None else code
                for code, word in zip(found, words, strict=True)
            ],
            dtype=np.int64,
        )


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the models know of ``n`` properties: ``numbers`` [n, P] (NaN = unknown) and category ``codes`` [n, C]."""

    numbers: Floats
    codes: Ints

    def take(self, rows: Ints) -> "Inputs":
        """Return the named rows."""
        return Inputs(self.numbers[rows], self.codes[rows])


@dataclass(frozen=True, slots=True)
class Plan:
    """Which columns of a county's frames the models read, in order. Decided by training, kept in the bundle."""

    numeric: tuple[str, ...]
    categories: tuple[Category, ...]

    def read(self, frame: Frame) -> Inputs:
        """Read a frame; columns it lacks are unknown. Numbers kept as text and codes kept as numbers are understood."""
        numbers = np.empty((frame.n, len(self.numeric)))
        for column, name in enumerate(self.numeric):
            if name in frame.text:
                numbers[:, column] = number_column(frame, name)
            else:
                numbers[:, column] = frame.numeric.get(name, np.nan)
        numbers[~np.isfinite(numbers)] = np.nan
        codes = np.empty((frame.n, len(self.categories)), dtype=np.int64)
        for column, category in enumerate(self.categories):
            codes[:, column] = category.codes(text_column(frame, category.name))
        return Inputs(numbers, codes)


def number_column(frame: Frame, name: str) -> Floats:
    """Return one numeric column, read from text where it arrived as text; infinite numbers are unknown."""
    values = frame.number(name)
    if name in frame.text:
        values = np.where(np.isnan(values), _parsed(frame.words(name)), values)
    return np.where(np.isfinite(values), values, np.nan)


def text_column(frame: Frame, name: str) -> Objects:
    """Return one text column; a code that arrived as a number is written without a needless ``.0``."""
    words = frame.words(name)
    if name not in frame.numeric:
        return words
    numbers, words = frame.number(name), words.copy()
    for row in np.flatnonzero(~np.isnan(numbers)):
        if words[row] is None:
            words[row] = f"{numbers[row]:.15g}"
    return words


def _parsed(words: Objects) -> Floats:
    return np.array([_number(word) for word in words.tolist()], dtype=np.float64)


def _number(word: str | None) -> float:
    try:
        return float(word) if word else np.nan
    except ValueError:
        return np.nan
