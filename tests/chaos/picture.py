"""Draws a run: rate and latency over time, with the faults as shaded windows, one row for each part of the system."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tests.chaos.books import Books
from tests.chaos.figures import latencies
from tests.chaos.history import Fault, Operation

_COLOURS: Final[Mapping[str, str]] = {
    "worker": "tab:blue",
    "gateway": "tab:green",
    "broker": "tab:red",
    "network": "tab:purple",
    "rolling": "tab:orange",
    "disk": "tab:brown",
}
_NARROWEST: Final = 0.15
"""Seconds that a fault is drawn wide at least: a kill has no length."""
_NAMED: Final = 100
"""So many faults can still be read by name."""

Floats = NDArray[np.float64]


def draw(path: Path, histories: Sequence[Sequence[Operation]], window: tuple[float, float] | None = None) -> None:
    """Write the picture of finished runs, one after the other, as a PNG file; ``window`` seconds of it where given."""
    waits = np.concatenate([_waits(each) for each in histories])
    faults = [each for history in histories for each in history if isinstance(each, Fault)]
    begun = waits[0, 0] if len(waits) else min((fault.start_ms for fault in faults), default=0)
    due, seen = (waits.T - begun) / 1000
    figure = Figure(figsize=(13, 9), layout="constrained")
    FigureCanvasAgg(figure)
    rate, latency, rows = figure.subplots(3, sharex=True, height_ratios=(3, 3, 3))
    _rates(rate, due, seen)
    _latencies(latency, due, seen - due)
    _faults(rows, faults, begun, named=len(faults) <= _NAMED or window is not None)
    for axes in (rate, latency):
        _shade(axes, faults, begun)
    if window is not None:
        rate.set_xlim(*window)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


def _waits(history: Sequence[Operation]) -> Floats:
    return np.array(latencies(Books.of(history)), dtype=np.float64).reshape(-1, 2)


def _rates(axes: Axes, due: Floats, seen: Floats) -> None:
    end = int(seen.max(initial=0)) + 1
    seconds = np.arange(end + 1)
    for name, times in (("due", due), ("results received", seen)):
        axes.step(seconds[:-1], np.histogram(times, seconds)[0], where="post", label=name)
    axes.set_ylabel("requests a second")
    axes.legend(loc="upper right")


def _latencies(axes: Axes, due: Floats, waited: Floats) -> None:
    second = due.astype(np.int64)
    seconds = np.unique(second)
    for name, share in (("median", 50), ("99th percentile", 99)):
        axes.plot(seconds, [np.percentile(waited[second == each], share) for each in seconds], label=name)
    axes.set_yscale("log")
    axes.set_ylabel("seconds from due to received")
    axes.legend(loc="upper right")


def _faults(axes: Axes, faults: Iterable[Fault], begun: float, *, named: bool) -> None:
    by_target: defaultdict[str, list[Fault]] = defaultdict(list)
    for fault in faults:
        by_target[fault.target].append(fault)
    names = sorted(by_target, reverse=True)
    for row, name in enumerate(names):
        for fault in by_target[name]:
            start, width = _window(fault, begun)
            axes.broken_barh([(start, width)], (row - 0.4, 0.8), color=_colour(fault))
            if named:
                axes.text(start, row, fault.kind.split("-", 1)[-1], fontsize=6, va="center", clip_on=True)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("seconds from the first request")


def _shade(axes: Axes, faults: Iterable[Fault], begun: float) -> None:
    for fault in faults:
        start, width = _window(fault, begun)
        axes.axvspan(start, start + width, color=_colour(fault), alpha=0.12, linewidth=0)


def _window(fault: Fault, begun: float) -> tuple[float, float]:
    return (fault.start_ms - begun) / 1000, max(_NARROWEST, (fault.end_ms - fault.start_ms) / 1000)


def _colour(fault: Fault) -> str:
    return _COLOURS.get(fault.kind.split("-", 1)[0], "grey")
