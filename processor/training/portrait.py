"""What a study looks like, in figures small enough to travel with the model's announcement.

Whoever shows a county's model draws its charts from these: ratios by worth, by month of sale, by neighbourhood, as a
histogram, and the price level by month. Every figure is rounded, the same sales give the same portrait.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from processor.ratio_study.statistics import Floats, cod, median_interval
from processor.ratio_study.strata import FEWEST_SALES, value_deciles
from processor.training.study import Studied
from processor.valuation.frame import Objects, Sales
from processor.valuation.model.market import Index
from processor.valuation.pieces import iso_day

_FEWEST_IN_MONTH: Final = 6
_WIDTH: Final = 0.05
_WIDEST: Final = 2.0
_MOST_AREAS: Final = 60
_MOST_MONTHS: Final = 120


def portrait(studied: Studied, sales: Sales) -> dict[str, Any]:
    """Return the strata and the histogram of a study's ratios (value over price)."""
    ratio = studied.value / studied.price
    month = [iso_day(day).decode()[:7] for day in sales.day[studied.rows].tolist()]
    return {
        "by_decile": _by_decile(ratio, studied),
        "by_month": [_group(name, ratio[rows]) for name, rows in _groups(month)][-_MOST_MONTHS:],
        "by_neighborhood": _by_area(ratio, sales.frame.words("neighborhood")[studied.rows]),
        "histogram": _histogram(ratio),
    }


def market_index(index: Index) -> list[dict[str, Any]]:
    """Return the price level by month, 1 in the first; at most the last ten years."""
    months = [iso_day(round(day)).decode()[:7] for day in index.days.tolist()]
    levels = np.exp(index.levels).round(4).tolist()
    return [{"month": month, "level": level} for month, level in zip(months, levels, strict=True)][-_MOST_MONTHS:]


def _by_decile(ratio: Floats, studied: Studied) -> list[dict[str, Any]]:
    decile = value_deciles(studied.price, studied.value)
    return [
        _group(name, ratio[rows])
        | {"price_low": float(studied.price[rows].min()), "price_high": float(studied.price[rows].max())}
        for name, rows in _groups(decile)
    ]


def _by_area(ratio: Floats, area: Objects) -> list[dict[str, Any]]:
    groups = [(name, rows) for name, rows in _groups(area.tolist()) if name and len(rows) >= FEWEST_SALES]
    largest = sorted(groups, key=lambda group: (-len(group[1]), group[0]))[:_MOST_AREAS]
    return [_group(name, ratio[rows]) | {"cod": round(cod(ratio[rows]), 2)} for name, rows in sorted(largest)]


def _groups(names: Sequence[str | None]) -> list[tuple[str, "np.ndarray[tuple[int], np.dtype[np.intp]]"]]:
    labels = np.array([name or "" for name in names], dtype=object)
    return [(name, np.flatnonzero(labels == name)) for name in sorted(set(labels.tolist()))]


def _group(name: str, ratio: Floats) -> dict[str, Any]:
    interval = median_interval(ratio) if len(ratio) >= _FEWEST_IN_MONTH else None
    quarter, median, three = np.quantile(ratio, [0.25, 0.5, 0.75]).round(4).tolist()
    bounds = None if interval is None else [round(float(bound), 4) for bound in interval]
    return {"group": name, "n": len(ratio), "median": median, "median_ci": bounds, "q25": quarter, "q75": three}


def _histogram(ratio: Floats) -> dict[str, Any]:
    """Count ratios in steps of 0.05; those above 2 count at 2."""
    place = np.floor(np.fmin(ratio, _WIDEST) / _WIDTH + 1e-9).astype(np.int64)
    first = int(place.min())
    return {"from": round(first * _WIDTH, 2), "width": _WIDTH, "counts": np.bincount(place - first).tolist()}
