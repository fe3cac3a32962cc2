"""Charts of a ratio study as SVG texts that stand alone: no fonts, scripts or files from elsewhere."""

import io
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from processor.ratio_study.statistics import Floats, median_interval
from processor.ratio_study.vertical import value_proxy

Days = NDArray[np.int64]

_SIZE: Final = (7.2, 3.4)
_MAP_SIZE: Final = (7.2, 6.0)
_INK: Final = "#1f2933"
_BLUE: Final = "#2b6cb0"
_BAND: Final = "#e2e8f0"
_EPOCH: Final = date(1970, 1, 1)
_FEWEST_IN_MONTH: Final = 6
_WIDEST_RATIO: Final = 2.0
_LARGEST_RESIDUAL: Final = 0.3
_DECILES: Final = 10
_A_MILLION: Final = 1e6
_LARGEST_IN_CELL: Final = 0.15
FEWEST_FOR_CELLS: Final = 600
"""From so many places on a map shows cells instead of single sales."""
_FEWEST_IN_CELL: Final = 5
_SALES_PER_CELL: Final = 8.0
_CELLS_ACROSS: Final = (12, 40)
_WITHIN: Final = (0.003, 0.997)


def by_decile(price: Floats, value: Floats) -> str:
    """Draw median ratio and middle half in each tenth of the sales by worth."""
    ratio, proxy = value / price, value_proxy(value, price)
    edges = np.quantile(proxy, np.arange(1, _DECILES) / _DECILES)
    decile = np.searchsorted(edges, proxy, side="left")
    figure, axes = _figure(_SIZE, "tenth of the sales by worth, in dollars (k thousand, m million)", "ratio")
    _reference(axes, float(np.median(ratio)))
    for number in range(_DECILES):
        inside = ratio[decile == number]
        if len(inside):
            low, middle, high = np.quantile(inside, [0.25, 0.5, 0.75])
            axes.plot([number + 1] * 2, [low, high], color=_BLUE, linewidth=7, alpha=0.35, solid_capstyle="butt")
            axes.plot([number + 1], [middle], "o", color=_BLUE)
    bounds = np.quantile(proxy, np.arange(_DECILES + 1) / _DECILES)
    worth = [f"{_thousands(low)}-{_thousands(high)}" for low, high in pairwise(bounds.tolist())]
    labels = [f"{number}\n{text}" for number, text in enumerate(worth, 1)]
    axes.set_xticks(range(1, _DECILES + 1), labels, fontsize="x-small")
    return _svg(figure)


def _thousands(dollars: float) -> str:
    return f"{dollars / 1e6:.1f}m" if dollars >= _A_MILLION else f"{dollars / 1e3:.0f}k"


def by_month(price: Floats, value: Floats, day: Days) -> str:
    """Draw the median ratio of each month of sale with its 95 % interval."""
    ratio = value / price
    months = [_month(number) for number in day.tolist()]
    names = sorted(set(months))
    figure, axes = _figure(_SIZE, "month of sale", "median ratio")
    _reference(axes, float(np.median(ratio)))
    for place, name in enumerate(names):
        inside = ratio[np.array([month == name for month in months])]
        interval = median_interval(inside) if len(inside) >= _FEWEST_IN_MONTH else None
        if interval is not None:
            axes.plot([place] * 2, interval, color=_BLUE, linewidth=2)
        axes.plot([place], [np.median(inside)], "o", color=_BLUE)
    step = max(len(names) // 12, 1)
    axes.set_xticks(range(0, len(names), step), names[::step], rotation=45, ha="right")
    return _svg(figure)


def histogram(price: Floats, value: Floats) -> str:
    """Draw how many sales have which ratio; ratios above 2 are counted at 2."""
    ratio = np.fmin(value / price, _WIDEST_RATIO)
    figure, axes = _figure(_SIZE, "ratio (value over price)", "sales")
    axes.hist(ratio, bins=np.arange(0.0, _WIDEST_RATIO + 0.05, 0.05).tolist(), color=_BLUE, edgecolor="white")
    axes.axvline(float(np.median(ratio)), color=_INK, linewidth=1.2)
    return _svg(figure)


def on_map(price: Floats, value: Floats, latitude: Floats, longitude: Floats) -> str:
    """Draw where values are high (red) or low (blue) against the median ratio.

    Many sales are shown as cells with the median of five or more, so that chance does not look like a pattern; few one
    by one. Sales far from all others stay outside the picture.
    """
    ratio = value / price
    known = np.isfinite(latitude) & np.isfinite(longitude)
    east, north, residual = longitude[known], latitude[known], np.log(ratio[known] / np.median(ratio))
    figure, axes = _figure(_MAP_SIZE, "degrees east", "degrees north")
    in_cells = len(east) >= FEWEST_FOR_CELLS
    drawn = _cells(axes, east, north, residual) if in_cells else _dots(axes, east, north, residual)
    axes.set_aspect(1.0 / np.cos(np.radians(float(np.median(north)))))
    bar = figure.colorbar(drawn, ax=axes, shrink=0.8)
    widest = _LARGEST_IN_CELL if in_cells else _LARGEST_RESIDUAL
    steps = [-widest, -widest / 2, 0.0, widest / 2, widest]
    bar.set_ticks(steps, labels=[f"{100 * (np.exp(step) - 1):+.0f} %" if step else "median" for step in steps])
    return _svg(figure)


def _cells(axes: Axes, east: Floats, north: Floats, residual: Floats) -> Any:
    """Draw the sales as grey dots, and over them the median of each cell with enough of them."""
    place = np.stack([east, north])
    low, high = np.quantile(place, _WITHIN, axis=1, keepdims=True)
    inside = ((place >= low) & (place <= high)).all(axis=0)
    east, north, residual = east[inside], north[inside], residual[inside]
    axes.plot(east, north, ".", color="#a0aec0", markersize=1.5, rasterized=True, zorder=1)
    across = int(np.clip((len(east) / _SALES_PER_CELL) ** 0.5, *_CELLS_ACROSS))
    return axes.hexbin(
        east,
        north,
        residual,
        gridsize=across,
        reduce_C_function=np.median,
        mincnt=_FEWEST_IN_CELL,
        cmap="RdBu_r",
        vmin=-_LARGEST_IN_CELL,
        vmax=_LARGEST_IN_CELL,
        linewidths=0.2,
        zorder=2,
    )


def _dots(axes: Axes, east: Floats, north: Floats, residual: Floats) -> Any:
    """Draw each sale, those farthest off on top."""
    order = np.argsort(np.abs(residual), kind="stable")
    return axes.scatter(
        east[order],
        north[order],
        c=np.clip(residual[order], -_LARGEST_RESIDUAL, _LARGEST_RESIDUAL),
        cmap="RdBu_r",
        vmin=-_LARGEST_RESIDUAL,
        vmax=_LARGEST_RESIDUAL,
        s=12,
        linewidths=0,
    )


def _figure(size: Sequence[float], below: str, beside: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(size[0], size[1]), layout="constrained")
    axes: Any = figure.add_subplot()
    axes.set_xlabel(below)
    axes.set_ylabel(beside)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK)
    return figure, axes


def _reference(axes: Axes, median: float) -> None:
    """Mark the range that the standard allows for the level, and the median of the study."""
    axes.axhspan(0.9, 1.1, color=_BAND, zorder=0)
    axes.axhline(median, color=_INK, linewidth=1.2, zorder=1)


def _month(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()[:7]


def _svg(figure: Figure) -> str:
    written = io.StringIO()
    # The same drawing gives the same text, and words stay words.
    with mpl.rc_context({"svg.hashsalt": "ratio-study", "svg.fonttype": "none"}):
        figure.savefig(written, format="svg", dpi=150, metadata={"Date": None, "Creator": None})
    text = written.getvalue()
    return text[text.index("<svg") :]
