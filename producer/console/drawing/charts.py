"""Charts with two axes: the price index of a county, and the ratios of its study by worth, by month and by size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from producer.console.drawing.scale import Scale, Tick, padded, thinned

WIDTH: Final = 640.0
HEIGHT: Final = 280.0
LEFT: Final = 52.0
RIGHT: Final = 626.0
TOP: Final = 14.0
BOTTOM: Final = 236.0
LEVEL_LIMITS: Final = (0.9, 1.1)
"""The range of the median ratio that the IAAO standard allows."""
_MOST_LABELS: Final = 10
_MOST_MONTHS: Final = 6
_BARS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Frame:
    """Axes of a chart, with what each measures."""

    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    x_name: str
    y_name: str


@dataclass(frozen=True, slots=True)
class Point:
    """A labelled dot."""

    x: float
    y: float
    label: str
    tone: str = "dot"


@dataclass(frozen=True, slots=True)
class IndexChart:
    """The price level by month as a path, and the dates that a value rests on as dots."""

    frame: Frame
    path: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Span:
    """A group of sales: its median as a dot, and a range around it as a bar."""

    x: float
    y: float
    top: float
    bottom: float
    title: str


@dataclass(frozen=True, slots=True)
class RatioChart:
    """Groups of sales side by side, over the range that the standard allows and the median of all."""

    frame: Frame
    spans: Sequence[Span]
    band_top: float
    band_bottom: float
    median: float
    width: float


@dataclass(frozen=True, slots=True)
class Column:
    """A bar of a histogram."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many sales have which ratio, and where their median lies."""

    frame: Frame
    columns: Sequence[Column]
    median: float


@dataclass(frozen=True, slots=True)
class Group:
    """The ratios of a group of sales: the median and the range shown around it."""

    name: str
    title: str
    median: float
    low: float
    high: float


def month_number(text: str) -> float:
    """Return a month (``2026-03``) or day (``2026-03-14``) as a number of months, fractions for days."""
    year, month, *rest = text.split("-")
    return int(year) * 12 + int(month) - 1 + ((int(rest[0]) - 1) / 31 if rest else 0.5)


def index_chart(levels: Sequence[tuple[str, float]], dates: Sequence[tuple[str, str, float | None, str]]) -> IndexChart:
    """Return the chart of price levels by month, the first month at 100.

    ``dates`` are days to mark: day, label, level where it is known (else that of the line), tone.
    """
    months = [month_number(month) for month, _ in levels]
    percent = [100 * level for _, level in levels]
    marked = [
        (month_number(at), label, _on_line(months, percent, month_number(at)) if level is None else 100 * level, tone)
        for at, label, level, tone in dates
    ]
    everything = [*months, *(at for at, *_ in marked)]
    x = Scale(min(everything), max(everything), LEFT + 8, RIGHT - 8)
    y = Scale(*padded([*percent, *(level for _, _, level, _ in marked)], 0.12), BOTTOM, TOP)
    path = "M" + " L".join(f"{x.at(at)} {y.at(level)}" for at, level in zip(months, percent, strict=True))
    names = [month for month, _ in levels]
    frame = Frame(thinned(names, [x.at(at) for at in months], _MOST_MONTHS), y.ticks(5), "", "level, %")
    return IndexChart(frame, path, [Point(x.at(at), y.at(level), label, tone) for at, label, level, tone in marked])


def ratio_chart(groups: Sequence[Group], median: float, x_name: str) -> RatioChart:
    """Return the chart of groups of sales in their order."""
    edges = [value for group in groups for value in (group.low, group.high)]
    y = Scale(min(0.8, *edges), max(1.2, *edges), BOTTOM, TOP)
    step = (RIGHT - LEFT) / len(groups)
    places = [round(LEFT + step * (number + 0.5), 1) for number in range(len(groups))]
    spans = [
        Span(place, y.at(group.median), y.at(group.high), y.at(group.low), group.title)
        for place, group in zip(places, groups, strict=True)
    ]
    frame = Frame(thinned([group.name for group in groups], places, _MOST_LABELS), y.ticks(6), x_name, "ratio")
    low, high = LEVEL_LIMITS
    return RatioChart(frame, spans, y.at(high), y.at(low), y.at(median), round(min(step * _BARS, 26.0), 1))


def histogram(first: float, width: float, counts: Sequence[int], median: float) -> Histogram:
    """Return the chart of counts of ratios in steps of ``width`` from ``first``."""
    x = Scale(first, first + width * len(counts), LEFT, RIGHT)
    y = Scale(0.0, max(*counts, 1) * 1.08, BOTTOM, TOP)
    columns = [
        Column(
            x.at(first + width * number),
            y.at(count),
            round(x.at(first + width * (number + 1)) - x.at(first + width * number) - 1, 1),
            round(BOTTOM - y.at(count), 1),
            f"{first + width * number:.2f} to {first + width * (number + 1):.2f}: {count} sales",
        )
        for number, count in enumerate(counts)
    ]
    return Histogram(Frame(x.ticks(8), y.ticks(5), "ratio (value over price)", "sales"), columns, x.at(median))


def _on_line(months: Sequence[float], levels: Sequence[float], at: float) -> float:
    """Return the level of the line at a month: interpolated, constant beyond both ends."""
    if at <= months[0]:
        return levels[0]
    for left, right, low, high in zip(months, months[1:], levels, levels[1:], strict=False):
        if at <= right:
            return low + (high - low) * (at - left) / (right - left)
    return levels[-1]
