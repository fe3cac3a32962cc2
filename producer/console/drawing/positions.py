"""The position plot: the subject in the middle, comparables around it, north up, with a scale in miles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from producer.console.drawing.scale import round_step

SIZE: Final = 360.0
_MARGIN: Final = 34.0
_MILES_PER_DEGREE: Final = 69.0
_SMALLEST_REACH: Final = 0.05
_SAME_PLACE: Final = 17.0
_SUBJECT: Final = 21.0
"""Nearer than this to the middle a mark would hide behind the subject's."""
_POINTS: Final = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


@dataclass(frozen=True, slots=True)
class Place:
    """Degrees north and east."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Offset:
    """Where one place lies as seen from another."""

    east_miles: float
    north_miles: float

    @property
    def miles(self) -> float:
        """Return the distance."""
        return math.hypot(self.east_miles, self.north_miles)

    @property
    def words(self) -> str:
        """Return distance and direction: ``0.8 mi NE``."""
        if self.miles < _SMALLEST_REACH / 10:
            return "same place"
        turn = math.degrees(math.atan2(self.east_miles, self.north_miles)) % 360
        digits = 1 if self.miles >= 1 else 2
        return f"{self.miles:.{digits}f} mi {_POINTS[round(turn / 45) % len(_POINTS)]}"


@dataclass(frozen=True, slots=True)
class Mark:
    """One or several comparables at one spot of the drawing."""

    x: float
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Positions:
    """The drawing, ``SIZE`` square, the subject in its middle."""

    marks: Sequence[Mark]
    bar_width: float
    bar_label: str


def offset(origin: Place, other: Place) -> Offset:
    """Return where ``other`` lies as seen from ``origin`` (equirectangular: good to a percent within a county)."""
    shrink = math.cos(math.radians(origin.latitude))
    return Offset(
        (other.longitude - origin.longitude) * shrink * _MILES_PER_DEGREE,
        (other.latitude - origin.latitude) * _MILES_PER_DEGREE,
    )


def positions(found: Sequence[tuple[str, Offset]]) -> Positions:
    """Return the plot of labelled offsets; labels that would cover each other share a mark."""
    reach = max([_SMALLEST_REACH, *(max(abs(one.east_miles), abs(one.north_miles)) for _, one in found)])
    per_mile = (SIZE / 2 - _MARGIN) / reach
    marks: list[Mark] = []
    for label, one in found:
        x, y = _beside(one.east_miles * per_mile, -one.north_miles * per_mile)
        near = next((mark for mark in marks if math.hypot(mark.x - x, mark.y - y) < _SAME_PLACE), None)
        if near is not None:
            marks[marks.index(near)] = Mark(near.x, near.y, f"{near.label}, {label}")
        else:
            marks.append(Mark(round(x, 1), round(y, 1), label))
    miles = round_step(reach / 2.5)
    return Positions(marks, round(miles * per_mile, 1), f"{miles:g} mi")


def _beside(right: float, down: float) -> tuple[float, float]:
    """Return a place of the drawing, moved out of the subject's mark where it would lie behind it."""
    away = math.hypot(right, down)
    if away < _SUBJECT:
        right, down = (
            (right * _SUBJECT / away, down * _SUBJECT / away) if away > 1 else (0.7 * _SUBJECT, -0.7 * _SUBJECT)
        )
    return SIZE / 2 + right, SIZE / 2 + down
