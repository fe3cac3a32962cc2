"""Level and uniformity: median and its interval, COD, PRD, and the bootstrap of both."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

CONFIDENCE: Final = 0.95
_FEWEST_FOR_MEDIAN_INTERVAL: Final = 6
"""With five sales even lowest to highest covers the median with less than 95 %."""

_FEWEST_FOR_BOOTSTRAP: Final = 5
_REPLICATES: Final = 1_000
_FEWEST_REPLICATES: Final = 200
_MOST_DRAWS: Final = 50_000_000
_DRAWS_AT_ONCE: Final = 2_000_000
_SEED: Final = 20150301


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


def cod(ratio: Floats) -> float:
    """Return the coefficient of dispersion: mean absolute deviation from the median ratio over it, in per cent."""
    median = np.median(ratio)
    return float(100.0 * np.mean(np.abs(ratio - median)) / median)


def prd(value: Floats, price: Floats) -> float:
    """Return the price-related differential: mean ratio over sales-weighted mean ratio."""
    return float(np.mean(value / price) / (value.sum() / price.sum()))


def median_interval(ratio: Floats, confidence: float = CONFIDENCE) -> Interval | None:
    """Return the order-statistic interval of the median, None below six ratios.

    Ranks ceil(n/2 - z sqrt(n)/2) and floor(1 + n/2 + z sqrt(n)/2), counted from 1 (IAAO Standard on Ratio Studies,
    appendix on confidence intervals).
    """
    n = len(ratio)
    if n < _FEWEST_FOR_MEDIAN_INTERVAL:
        return None
    ordered = np.sort(ratio)
    reach = float(stats.norm.ppf(0.5 + confidence / 2)) * np.sqrt(n) / 2
    low = min(max(int(np.ceil(n / 2 - reach)), 1), n)
    high = min(max(int(np.floor(1 + n / 2 + reach)), 1), n)
    return Interval(float(ordered[low - 1]), float(ordered[high - 1]))


def bootstrap(value: Floats, price: Floats) -> tuple[Interval | None, Interval | None]:
    """Return percentile bootstrap intervals of COD and PRD, None below five sales; the same sales give the same."""
    n = len(price)
    if n < _FEWEST_FOR_BOOTSTRAP:
        return None, None
    ratio = value / price
    cods: list[Floats] = []
    prds: list[Floats] = []
    for draw in _draws(n):
        sample = ratio[draw]
        median = np.median(sample, axis=1)
        cods.append(100.0 * np.abs(sample - median[:, None]).mean(axis=1) / median)
        prds.append(sample.mean(axis=1) / (value[draw].sum(axis=1) / price[draw].sum(axis=1)))
    return _middle(np.concatenate(cods)), _middle(np.concatenate(prds))


def _draws(n: int) -> Iterator[NDArray[np.int64]]:
    """Yield resampled row numbers [replicates, n], in pieces that fit into memory."""
    generator = np.random.default_rng(_SEED)
    left = max(min(_REPLICATES, _MOST_DRAWS // n), _FEWEST_REPLICATES)
    while left > 0:
        count = min(left, max(_DRAWS_AT_ONCE // n, 1))
        yield generator.integers(0, n, (count, n))
        left -= count


def _middle(statistic: Floats) -> Interval:
    low, high = np.quantile(statistic, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(low), float(high))
