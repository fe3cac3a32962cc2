"""One ratio study: every statistic of a set of sales and values, as an object and as JSON."""

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from processor.ratio_study.errors import NoUsableSales
from processor.ratio_study.statistics import Floats, Interval, bootstrap, cod, median_interval, prd
from processor.ratio_study.vertical import mki, prb, vei

_FEWEST_FOR_DISPERSION: Final = 2
_IQR_MULTIPLE: Final = 1.5
_MOST_TRIMMED: Final = 0.05


@dataclass(frozen=True, slots=True)
class Study:
    """The statistics of one set of sales; None where a statistic cannot be computed.

    Ratios, PRD, PRB, MKI and R2 are plain numbers, everything else is in per cent (0-100). Intervals are of 95 %.
    """

    n: int
    median_ratio: float
    median_ci: Interval | None
    mean_ratio: float
    weighted_mean_ratio: float
    cod: float | None
    cod_ci: Interval | None
    prd: float | None
    prd_ci: Interval | None
    prb: float | None
    prb_ci: Interval | None
    vei: float | None
    vei_significance: float | None
    mki: float | None
    mdape: float
    within_5: float
    within_10: float
    within_20: float
    r2: float | None
    coverage_90: float | None

    def document(self) -> dict[str, object]:
        """Return the study as it is printed and published: names as here, intervals as lists."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def study(price: Floats, value: Floats, low: Floats | None = None, high: Floats | None = None) -> Study:
    """Study sales: prices, values, and the bounds of the values' 90 % intervals if there are any.

    Takes every sale as given (trim beforehand if you must). The same sales give the same study.

    Raises:
        NoUsableSales: there is no sale, or a price or value is not a positive finite number.
    """
    price, value = np.asarray(price, dtype=np.float64), np.asarray(value, dtype=np.float64)
    if not len(price) or not all(np.isfinite(one).all() and (one > 0).all() for one in (price, value)):
        raise NoUsableSales("A ratio study needs sales, each with a positive price and a positive value.")
    ratio = value / price
    error = np.abs(value - price)
    several = len(price) >= _FEWEST_FOR_DISPERSION
    cod_ci, prd_ci = bootstrap(value, price)
    slope, slope_ci = prb(value, price) if several else (None, None)
    groups = vei(value, price)
    return Study(
        n=len(price),
        median_ratio=float(np.median(ratio)),
        median_ci=median_interval(ratio),
        mean_ratio=float(ratio.mean()),
        weighted_mean_ratio=float(value.sum() / price.sum()),
        cod=cod(ratio) if several else None,
        cod_ci=cod_ci,
        prd=prd(value, price) if several else None,
        prd_ci=prd_ci,
        prb=slope,
        prb_ci=slope_ci,
        vei=None if groups is None else groups.vei,
        vei_significance=None if groups is None else groups.significance,
        mki=mki(value, price) if several else None,
        mdape=float(100.0 * np.median(error / price)),
        within_5=_within(error, price, 5.0),
        within_10=_within(error, price, 10.0),
        within_20=_within(error, price, 20.0),
        r2=_r2(price, value),
        coverage_90=None if low is None or high is None else _coverage(price, low, high),
    )


def trimmed_rows(ratio: Floats) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Tell which ratios survive trimming: within 1.5 interquartile ranges of the quartiles, at most 5 % cut.

    Where the fences would cut more than 5 %, the most extreme 5 % go, half of them at each end (IAAO Standard on Ratio
    Studies, appendix B).
    """
    first, third = np.quantile(ratio, [0.25, 0.75])
    reach = _IQR_MULTIPLE * (third - first)
    kept = (ratio >= first - reach) & (ratio <= third + reach)
    if 1.0 - kept.mean() > _MOST_TRIMMED:
        low, high = np.quantile(ratio, [_MOST_TRIMMED / 2, 1.0 - _MOST_TRIMMED / 2])
        kept = (ratio >= low) & (ratio <= high)
    return np.asarray(kept, dtype=np.bool_)


def trimmed_study(
    price: Floats, value: Floats, low: Floats | None = None, high: Floats | None = None
) -> tuple[Study, int]:
    """Study the sales whose ratios are no outliers; return the study and how many sales were trimmed."""
    price, value = np.asarray(price, dtype=np.float64), np.asarray(value, dtype=np.float64)
    kept = trimmed_rows(value / price)
    bounds = (None, None) if low is None or high is None else (low[kept], high[kept])
    return study(price[kept], value[kept], *bounds), int((~kept).sum())


def _within(error: Floats, price: Floats, per_cent: float) -> float:
    """Return the share of errors up to so many per cent of the price; multiplied, not divided, to be exact."""
    return float(100.0 * (100.0 * error <= per_cent * price).mean())


def _r2(price: Floats, value: Floats) -> float | None:
    spread = float(((price - price.mean()) ** 2).sum())
    return None if spread == 0 else 1.0 - float(((price - value) ** 2).sum()) / spread


def _coverage(price: Floats, low: Floats, high: Floats) -> float | None:
    known = np.isfinite(low) & np.isfinite(high)
    if not known.any():
        return None
    inside = (price >= low) & (price <= high)
    return float(100.0 * inside[known].mean())
