"""The market index of a county: the level of log prices by month, estimated inside the hedonic.

Months with few sales are pooled with their neighbours, and a random-walk penalty smooths what is left, so a thin
market has a flat index instead of a wild one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from processor.valuation.frame import Floats, Ints
from processor.valuation.plausibility import Bools

_DAYS_IN_MONTH: Final = 30.436875
_SALES_PER_POOL: Final = 20
_MOST_POOLS: Final = 120
_GRACE_DAYS: Final = 45.0
"""How far past the last sale the level counts as known: recording lags by weeks everywhere."""

_TREND_DAYS: Final = 62.0
_KNOTS_FOR_TREND: Final = 3
_STEEPEST: Final = 0.015 / _DAYS_IN_MONTH

_MONTHLY_SD: Final = 0.012
"""Standard deviation of a month's change in log price that the smoothing assumes."""

_DRIFT_SD: Final = 0.02
_TREND_SD: Final = 0.005
"""Beyond the sales the level wanders (with the square root of the months) and may have a trend (with the months)."""


def pools(day: Ints) -> Floats:
    """Return the knots of the index: the mean sale day of each run of months with enough sales, ascending."""
    month = np.floor(day / _DAYS_IN_MONTH).astype(np.int64)
    need = max(_SALES_PER_POOL, -(-len(day) // _MOST_POOLS))
    knots: list[float] = []
    rows = 0
    total = 0.0
    months, where = np.unique(month, return_inverse=True)
    counts = np.bincount(where)
    sums = np.bincount(where, weights=day.astype(float))
    for count, day_sum in zip(counts.tolist(), sums.tolist(), strict=True):
        rows += count
        total += day_sum
        if rows >= need:
            knots.append(total / rows)
            rows, total = 0, 0.0
    if rows and not knots:
        knots.append(total / rows)
    return np.array(knots) if len(months) else np.zeros(1)


def columns(day: Ints, knots: Floats) -> Floats:
    """Return the design [n, len(knots)] whose product with the levels is their linear interpolation at ``day``."""
    design = np.zeros((len(day), len(knots)))
    unit = np.eye(len(knots))
    for knot in range(len(knots)):
        design[:, knot] = np.interp(day, knots, unit[knot])
    return design


def roughness(knots: Floats, residual_sd: float) -> Floats:
    """Return the penalty matrix of a random walk in the levels, in units of one sale's squared residual."""
    penalty = np.zeros((len(knots), len(knots)))
    for left, gap in enumerate(np.diff(knots) / _DAYS_IN_MONTH):
        strength = residual_sd**2 / (_MONTHLY_SD**2 * max(gap, 1.0))
        penalty[left, left] += strength
        penalty[left + 1, left + 1] += strength
        penalty[left, left + 1] -= strength
        penalty[left + 1, left] -= strength
    return penalty


def recent_slope(knots: Floats, levels: Floats) -> float:
    """Return the trend of the last two months per day, within 1.5 % a month; a thin, smoothed market has hardly any."""
    if len(knots) < _KNOTS_FOR_TREND:
        return 0.0
    since = min(int(np.searchsorted(knots, knots[-1] - _TREND_DAYS)), len(knots) - 2)
    slope = float((levels[-1] - levels[since]) / (knots[-1] - knots[since]))
    return min(max(slope, -_STEEPEST), _STEEPEST)


@dataclass(frozen=True, slots=True)
class MarketIndex:
    """Log price level: interpolated between the knots, flat before them.

    After the last knot the recent trend goes on for 45 days, which bridges the time until new sales are known, and no
    further: beyond, the level stays and its uncertainty grows.
    """

    knots: Floats
    levels: Floats
    first_day: int
    last_day: int
    slope: float = 0.0

    def at(self, day: Ints) -> Floats:
        """Return the log level at each day."""
        ahead = np.fmin(np.fmax(day - self.knots[-1], 0.0), _GRACE_DAYS)
        level: Floats = np.interp(day, self.knots, self.levels) + self.slope * ahead
        return level

    def relative(self, day: Ints) -> Floats:
        """Return the price level at each day, 1 at the first knot."""
        level: Floats = np.exp(self.at(day) - self.levels[0])
        return level

    def extrapolated(self, day: Ints) -> Bools:
        """Tell which days lie outside the sales."""
        return (day > self.last_day + _GRACE_DAYS) | (day < self.first_day)

    def uncertainty(self, day: Ints) -> Floats:
        """Return the standard deviation, in log price, by which the level at each day is unknown."""
        beyond = np.fmax(day - self.last_day - _GRACE_DAYS, self.first_day - day)
        months = np.fmax(beyond, 0.0) / _DAYS_IN_MONTH
        deviation: Floats = np.hypot(_DRIFT_SD * np.sqrt(months), _TREND_SD * months)
        return deviation
