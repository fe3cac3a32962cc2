"""Ratio studies by stratum: the same statistics for every group of sales that is large enough to mean something."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from processor.ratio_study.statistics import Floats
from processor.ratio_study.study import Study, study
from processor.ratio_study.vertical import value_proxy

FEWEST_SALES: Final = 30
_DECILES: Final = 10


def by_stratum(
    price: Floats,
    value: Floats,
    strata: Mapping[str, Sequence[str]],
    low: Floats | None = None,
    high: Floats | None = None,
) -> dict[str, dict[str, Study]]:
    """Return for each grouping its groups of at least 30 sales, in the order of their names."""
    return {
        grouping: {
            name: study(
                price[rows], value[rows], *((None, None) if low is None or high is None else (low[rows], high[rows]))
            )
            for name, rows in _groups(names).items()
            if len(rows) >= FEWEST_SALES
        }
        for grouping, names in strata.items()
    }


def value_deciles(price: Floats, value: Floats) -> list[str]:
    """Return each sale's decile of worth (half price, half value), ``01`` the cheapest."""
    proxy = value_proxy(value, price)
    edges = np.quantile(proxy, np.arange(1, _DECILES) / _DECILES)
    return [f"{decile + 1:02d}" for decile in np.searchsorted(edges, proxy, side="left").tolist()]


def _groups(names: Sequence[str]) -> dict[str, "np.ndarray[tuple[int], np.dtype[np.intp]]"]:
    labels = np.array([str(name) for name in names], dtype=object)
    found = sorted(set(labels.tolist()))
    return {name: np.flatnonzero(labels == name) for name in found}
