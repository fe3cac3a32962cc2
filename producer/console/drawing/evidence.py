"""The range plot: the value in its interval, beside what the comparables say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from producer.console.drawing.scale import Scale, Tick, padded

WIDTH: Final = 640.0
_LEFT: Final = 20.0
_RIGHT: Final = 620.0
_APART: Final = 15.0


@dataclass(frozen=True, slots=True)
class Sign:
    """A comparable's adjusted price; ``row`` keeps numbers apart that would cover each other."""

    x: float
    row: int
    label: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """The plot, ``WIDTH`` wide: the interval from ``low`` to ``high``, the value, the comparables."""

    low: float
    high: float
    value: float
    signs: Sequence[Sign]
    ticks: Sequence[Tick]


def evidence(low: float, value: float, high: float, adjusted: Sequence[float]) -> Evidence:
    """Return the plot of a value, its interval and the comparables' adjusted prices, in dollars."""
    scale = Scale(*padded([low, value, high, *adjusted], 0.04), _LEFT, _RIGHT)
    taken: list[Sign] = []
    for number, price in enumerate(adjusted, start=1):
        x = scale.at(price)
        row = sum(1 for sign in taken if abs(sign.x - x) < _APART)
        taken.append(Sign(x, row, str(number)))
    ticks = [Tick(tick.at, f"${float(tick.label) / 1000:,.0f}k", minor=tick.minor) for tick in scale.ticks(6)]
    return Evidence(scale.at(low), scale.at(high), scale.at(value), taken, ticks)
