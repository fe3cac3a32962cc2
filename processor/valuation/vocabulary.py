"""What a county's sales tell about properties: which attributes there are, and how a frame reads in their terms."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from processor.valuation.attributes import NumericAttribute, TextAttribute, numeric_attributes, text_attributes
from processor.valuation.frame import Floats, Frame, Ints
from processor.valuation.location import Surface
from processor.valuation.plausibility import Bools, none_of

LOCATION: Final = "location"

_SHARE_WITH_PLACE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Reading:
    """A frame as the hedonic sees it: scaled numbers [n, numbers] (NaN: unknown), codes of texts [n, texts], place.

    ``unknown`` [n, names] tells which attribute, in the order of the names, is unknown.
    """

    scaled: Floats
    codes: Ints
    east: Floats
    north: Floats
    unknown: Bools

    def take(self, rows: Ints | slice) -> "Reading":
        """Return some of the rows."""
        return Reading(self.scaled[rows], self.codes[rows], self.east[rows], self.north[rows], self.unknown[rows])


@dataclass(frozen=True, slots=True)
class Scale:
    """Centre and spread of every number, and which of them are read as logarithms."""

    logarithmic: Bools
    centre: Floats
    spread: Floats

    def apply(self, raw: Floats) -> Floats:
        """Scale raw numbers [n, numbers]; NaN where unknown, or where the logarithm of nothing is asked for."""
        values = np.where(np.isfinite(raw), raw, np.nan)
        if self.logarithmic.any():
            chosen = values[:, self.logarithmic]
            positive = chosen > 0
            values[:, self.logarithmic] = np.where(positive, np.log(np.where(positive, chosen, 1.0)), np.nan)
        scaled: Floats = (values - self.centre) / self.spread
        return scaled


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The attributes of a county's sales and its surface, before anything is estimated."""

    numbers: tuple[NumericAttribute, ...]
    texts: tuple[TextAttribute, ...]
    surface: Surface | None
    scale: Scale

    @classmethod
    def of(cls, frame: Frame) -> "Vocabulary":
        """Take stock of what the sales tell about themselves."""
        placed = np.isfinite(frame.number("latitude")) & np.isfinite(frame.number("longitude"))
        surface = Surface.over(frame) if frame.n and placed.mean() >= _SHARE_WITH_PLACE else None
        numbers = numeric_attributes(frame)
        scale = Scale(
            np.array([one.logarithmic for one in numbers], dtype=np.bool_),
            np.array([one.centre for one in numbers], dtype=np.float64),
            np.array([one.spread for one in numbers], dtype=np.float64),
        )
        return cls(numbers, text_attributes(frame), surface, scale)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the effects, in the order of their columns."""
        place = () if self.surface is None else (LOCATION,)
        return (*(one.name for one in self.numbers), *(one.name for one in self.texts), *place)

    def raw(self, frame: Frame) -> Floats:
        """Return the numbers [n, numbers] as they stand in the frame."""
        raw = np.full((frame.n, len(self.numbers)), np.nan)
        for column, number in enumerate(self.numbers):
            values = frame.numeric.get(number.name)
            if values is not None:
                raw[:, column] = values
        return raw

    def read(self, frame: Frame) -> Reading:
        """Bring a frame into the hedonic's terms."""
        n = frame.n
        scaled = self.scale.apply(self.raw(frame))
        codes = np.empty((n, len(self.texts)), dtype=np.int64)
        missing = [np.isnan(scaled)]
        for column, text in enumerate(self.texts):
            codes[:, column] = text.codes(frame)
            missing.append(none_of(frame.words(text.name))[:, None])
        east, north = np.full(n, np.nan), np.full(n, np.nan)
        if self.surface is not None:
            east, north = self.surface.plane.project(frame)
            missing.append(np.isnan(east)[:, None])
        return Reading(scaled, codes, east, north, np.hstack(missing))

    def design(self, reading: Reading) -> list[Floats]:
        """Return the terms of each effect, in the order of ``names``."""
        blocks = [number.columns(reading.scaled[:, column]) for column, number in enumerate(self.numbers)]
        blocks += [text.columns(reading.codes[:, column]) for column, text in enumerate(self.texts)]
        return blocks if self.surface is None else [*blocks, self.surface.columns(reading.east, reading.north)]

    def widths(self) -> list[int]:
        """Return the number of terms of each effect."""
        widths = [number.terms for number in self.numbers] + [len(text.levels) for text in self.texts]
        return widths if self.surface is None else [*widths, len(self.surface.east)]

    def prior(self) -> Floats:
        """Return the coefficients believed before any sale is seen."""
        parts = [np.zeros(width) for width in self.widths()]
        for column, number in enumerate(self.numbers):
            parts[column] = number.prior()
        return np.concatenate([*parts, np.zeros(0)])
