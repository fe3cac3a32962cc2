"""Axes: a range of numbers laid on pixels, with ticks at round values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_MOST_DIGITS: Final = 4
_ROUND: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis; a narrow screen may leave out the ``minor`` ones."""

    at: float
    label: str
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map from ``low``..``high`` to ``start``..``end`` in the units of a drawing."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return where a value lies, to a tenth of a unit; values beyond the range lie at its edge."""
        if self.high <= self.low:
            return round((self.start + self.end) / 2, 1)
        share = min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, most: int) -> list[Tick]:
        """Return up to about ``most`` ticks at round values within the range, every second one minor."""
        step = round_step((self.high - self.low) / most)
        digits = next((places for places in range(_MOST_DIGITS) if not round(step * 10**places, 6) % 1), _MOST_DIGITS)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [
            Tick(self.at(number * step), f"{number * step:.{digits}f}", minor=number % 2 == 1)
            for number in range(first, last + 1)
        ]


def round_step(wanted: float) -> float:
    """Return the smallest round number (1, 2, 2.5 or 5 times a power of ten) that is at least ``wanted``."""
    if not math.isfinite(wanted) or wanted <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(factor * power for factor in _ROUND if factor * power >= wanted * (1 - 1e-9))


def padded(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """Return the range of values with some room on both sides."""
    low, high = min(values), max(values)
    room = (high - low) * share or abs(high) * share or 1.0
    return low - room, high + room


def thinned(labels: Sequence[str], places: Sequence[float], most: int) -> list[Tick]:
    """Return at most ``most`` of many labels, evenly spaced, every second one minor."""
    step = max(-(-len(labels) // most), 1)
    return [
        Tick(place, label, minor=number % 2 == 1)
        for number, (label, place) in enumerate(list(zip(labels, places, strict=True))[::step])
    ]
