"""The waterfall: each contribution as a bar from the total before it to the total after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from producer.console.drawing.scale import Scale, padded

WIDTH: Final = 200.0
_THINNEST: Final = 0.8


@dataclass(frozen=True, slots=True)
class Bar:
    """One step in a row ``WIDTH`` wide: where its bar begins, how wide it is, and where the total then stands."""

    x: float
    width: float
    level: float
    tone: str


def waterfall(base: float, changes: Sequence[float]) -> list[Bar]:
    """Return a bar for the base value and one for every change; the axis holds all totals and need not begin at 0."""
    totals = [base]
    for change in changes:
        totals.append(totals[-1] + change)
    low, high = padded(totals)
    scale = Scale(low, high, 0.0, WIDTH)
    return [_bar(scale, low, base, "total"), *map(_step, [scale] * len(changes), totals, totals[1:])]


def _step(scale: Scale, before: float, after: float) -> Bar:
    return _bar(scale, before, after, "up" if after >= before else "down")


def _bar(scale: Scale, before: float, after: float, tone: str) -> Bar:
    start, end = scale.at(before), scale.at(after)
    return Bar(min(start, end), max(round(abs(end - start), 1), _THINNEST), end, tone)
