"""The level of the market: the index that training fitted, and the correction that newer sales ask for.

A model knows the market up to its last sale. Sales that close later show by how much its values miss, so the correction
is their median residual over the last 60 days plus its trend, carried forward over the recording lag. With few sales
the trend, and then the correction itself, is held back towards zero: a thin market moves the level only as far as it
can show.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from processor.valuation.frame import Floats, Ints, Sales

RECORDING_LAG_DAYS: Final = 14
_WINDOW_DAYS: Final = 60
_THIN_WINDOW_DAYS: Final = 90
_THIN: Final = 30
_CLIP: Final = 0.35
_TREND_SD: Final = 0.001
"""How much a market's daily trend varies, in log price: 3 % a month."""
_LEVEL_SD: Final = 0.05
"""How far an uncorrected level usually is off."""
_DRIFT_SD: Final = 0.02
"""By how much a level becomes uncertain in a month without sales; grows with the square root of time."""
_DAYS_IN_MONTH: Final = 30.436875


@dataclass(frozen=True, slots=True)
class Index:
    """Log price level at ``days`` (the middles of months), 0 in the first; constant beyond both ends.

    ``last_day`` is the last sale it was fitted on.
    """

    days: Floats
    levels: Floats
    last_day: int

    def at(self, day: Ints) -> Floats:
        """Return the log level at each day."""
        return np.interp(day, self.days, self.levels)


@dataclass(frozen=True, slots=True)
class Correction:
    """What the sales known on a day say about the model's level, in log price."""

    log: float
    deviation: float
    sales: int
    first_day: int
    last_day: int
    version: str


@dataclass(frozen=True, slots=True)
class Level:
    """The residuals of all sales that may be known, by which the level of any day is corrected.

    ``residual`` is log price minus model and index: out of fold for sales that trained the model. ``pool`` names the
    set of sales. Immutable; the corrections of a day are remembered, they never change.
    """

    day: Ints
    known_day: Ints
    residual: Floats
    pool: str
    _found: dict[int, Correction] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, sales: Sales, rows: Ints, residual: Floats) -> "Level":
        """Collect the sales at ``rows``, whose residuals are given, in an order that depends on nothing but them."""
        order = np.lexsort((residual, sales.day[rows]))
        rows = rows[order]
        return cls(sales.day[rows], sales.known_day[rows], residual[order], sales.version)

    def on(self, day: int) -> Correction:
        """Return the correction for values of ``day``, from the sales known by then."""
        correction = self._found.get(day)
        if correction is None:
            correction = self._found[day] = self._estimate(day)
        return correction

    def _estimate(self, day: int) -> Correction:
        known = np.flatnonzero((self.known_day <= day) & (self.day < day))
        if not len(known):
            return Correction(0.0, _LEVEL_SD, 0, day, day, f"{self.pool}:none")
        newest = int(self.day[known[-1]])
        reached = min(day, newest + RECORDING_LAG_DAYS)
        rows = known[self.day[known] > reached - RECORDING_LAG_DAYS - _WINDOW_DAYS]
        if len(rows) < _THIN:
            rows = known[self.day[known] > reached - RECORDING_LAG_DAYS - _THIN_WINDOW_DAYS]
        days, residual = self.day[rows].astype(np.float64), self.residual[rows]
        median, error = _median(residual)
        trend = _trend(days, residual - median)
        held = _LEVEL_SD**2 / (_LEVEL_SD**2 + error**2)
        log = round(held * (median + trend * (reached - float(days.mean()))), 9)
        drift = _DRIFT_SD**2 * (day - reached) / _DAYS_IN_MONTH
        digest = hashlib.blake2b(self.day[rows].tobytes() + residual.tobytes(), digest_size=4).hexdigest()
        deviation = (held * error**2 + drift) ** 0.5
        return Correction(log, deviation, len(rows), int(days.min()), newest, f"{self.pool}:{digest}")


def _median(residual: Floats) -> tuple[float, float]:
    """Return the median and its standard error (1.2533 s / sqrt(n), s from the median deviation)."""
    median = float(np.median(residual))
    spread = max(1.4826 * float(np.median(np.abs(residual - median))), 0.05)
    return median, 1.2533 * spread / len(residual) ** 0.5


def _trend(days: Floats, residual: Floats) -> float:
    """Return the daily trend of clipped residuals, held back by how uncertain it is."""
    clipped, offset = np.clip(residual, -_CLIP, _CLIP), days - days.mean()
    power = float((offset * offset).sum())
    if power == 0:
        return 0.0
    slope = float((offset * clipped).sum()) / power
    noise = float(clipped.var()) / power
    return slope * _TREND_SD**2 / (_TREND_SD**2 + noise)
