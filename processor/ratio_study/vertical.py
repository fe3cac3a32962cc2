"""Vertical equity: whether cheap and dear properties are valued alike (PRB, VEI, MKI)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from processor.ratio_study.statistics import CONFIDENCE, Floats, Interval, median_interval

_GROUPS: Final = ((20, 2), (51, 4), (501, 10))
"""From how many sales on the value range is cut into how many groups: halves, quartiles, deciles."""

_GROUP_CONFIDENCE: Final = 0.90
_TWO_COEFFICIENTS: Final = 2


def value_proxy(value: Floats, price: Floats) -> Floats:
    """Return half the price plus half the value at the level of the market: what both agree a property is worth."""
    proxy: Floats = 0.5 * price + 0.5 * value / np.median(value / price)
    return proxy


def prb(value: Floats, price: Floats) -> tuple[float | None, Interval | None]:
    """Return the price-related bias and its interval: the slope of (r - m) / m on log2 of the value proxy.

    None where all properties are worth the same; the interval needs three sales.
    """
    ratio = value / price
    median = np.median(ratio)
    bias = (ratio - median) / median
    worth = np.log2(value_proxy(value, price))
    centred = worth - worth.mean()
    square = float(centred @ centred)
    if square <= np.finfo(float).eps * len(price) * float(np.max(worth**2, initial=1.0)):
        return None, None
    slope = float(centred @ bias) / square
    freedom = len(price) - _TWO_COEFFICIENTS
    if freedom < 1:
        return slope, None
    rest = bias - bias.mean() - slope * centred
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom) * np.sqrt(rest @ rest / freedom / square))
    return slope, Interval(slope - reach, slope + reach)


def mki(value: Floats, price: Floats) -> float | None:
    """Return the modified Kakwani index: Gini of the values over Gini of the prices, both in the order of the prices.

    None where all prices are the same (Quintos 2020).
    """
    order = np.argsort(price, kind="stable")
    spread = _gini(price[order])
    return None if spread == 0 else _gini(value[order]) / spread


def _gini(ordered: Floats) -> float:
    n = len(ordered)
    if np.ptp(ordered) == 0:
        return 0.0
    return float((2.0 * (ordered @ np.arange(1.0, n + 1.0)) / ordered.sum() - (n + 1)) / n)


@dataclass(frozen=True, slots=True)
class Groups:
    """The vertical equity indicator and the median ratios of its groups, cheapest first.

    ``vei`` compares the dearest group with the cheapest, in per cent of the median. ``significance`` is the gap between
    the 90 % intervals of the groups with the highest and the lowest median: 0 where they overlap, None where a group is
    too small for an interval.
    """

    vei: float
    significance: float | None
    medians: tuple[float, ...]
    sizes: tuple[int, ...]


def vei(value: Floats, price: Floats) -> Groups | None:
    """Return the vertical equity indicator (IAAO exposure draft 2025), None below 20 sales."""
    count = max((groups for fewest, groups in _GROUPS if len(price) >= fewest), default=0)
    if not count:
        return None
    ratio = value / price
    proxy = value_proxy(value, price)
    edges = np.quantile(proxy, np.arange(1, count) / count)
    group = np.searchsorted(edges, proxy, side="left")
    members = [ratio[group == number] for number in range(count)]
    if any(not len(one) for one in members):
        return None
    medians = np.array([np.median(one) for one in members])
    median = float(np.median(ratio))
    highest = median_interval(members[int(medians.argmax())], _GROUP_CONFIDENCE)
    lowest = median_interval(members[int(medians.argmin())], _GROUP_CONFIDENCE)
    gap = None if highest is None or lowest is None else max(100.0 * (highest.low - lowest.high) / median, 0.0)
    change = 100.0 * float(medians[-1] - medians[0]) / median
    return Groups(change, gap, tuple(medians.tolist()), tuple(len(one) for one in members))
