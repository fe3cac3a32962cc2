import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.console.drawing.charts import BOTTOM, LEFT, RIGHT, TOP, Group, histogram, index_chart, ratio_chart
from producer.console.drawing.evidence import evidence
from producer.console.drawing.positions import SIZE, Offset, Place, offset, positions
from producer.console.drawing.scale import Scale, padded, round_step, thinned
from producer.console.drawing.waterfall import WIDTH, waterfall

DOLLARS = st.integers(-(10**9), 10**9).map(lambda cents: cents / 100)


@given(st.floats(1e-6, 1e9))
def test_steps_are_round_and_not_too_small(wanted: float) -> None:
    step = round_step(wanted)
    assert wanted * 0.999 <= step <= wanted * 2.6
    assert any(math.isclose(step / 10 ** math.floor(math.log10(step) + 1e-9), one) for one in (1, 2, 2.5, 5, 10))


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_lie_within_the_scale_and_say_what_they_are_at(low: float, span: float) -> None:
    scale = Scale(low, low + span, 10.0, 500.0)
    ticks = scale.ticks(5)
    assert 1 <= len(ticks) <= 7
    assert all(10.0 <= tick.at <= 500.0 for tick in ticks)
    assert len({tick.label for tick in ticks}) == len(ticks) or span < 1e-2


def test_a_scale_without_extent_is_its_middle() -> None:
    assert Scale(3.0, 3.0, 0.0, 10.0).at(3.0) == 5.0


@given(DOLLARS, st.lists(DOLLARS, max_size=30))
def test_each_bar_begins_where_the_last_one_ended(base: float, changes: list[float]) -> None:
    bars = waterfall(base, changes)
    assert len(bars) == len(changes) + 1
    for (before, after), change in zip(pairwise(bars), changes, strict=True):
        start = after.x if change >= 0 else round(after.x + after.width, 1)
        assert start == pytest.approx(before.level, abs=1.0)
        assert 0 <= after.x <= WIDTH
        assert after.tone == ("up" if change >= 0 else "down")


def test_offsets_are_miles_and_directions() -> None:
    here = Place(46.0, -119.0)
    assert offset(here, Place(47.0, -119.0)).words == "69.0 mi N"
    assert offset(here, Place(46.0, -118.99)).words == "0.48 mi E"
    assert offset(here, Place(45.99, -119.01)).words == "0.84 mi SW"
    assert offset(here, here).words == "same place"


@given(st.lists(st.tuples(st.floats(-30, 30), st.floats(-30, 30)), min_size=1, max_size=5))
def test_every_comparable_is_on_the_plot_once(found: list[tuple[float, float]]) -> None:
    plot = positions([(str(number), Offset(*one)) for number, one in enumerate(found, start=1)])
    labels = [label for mark in plot.marks for label in mark.label.split(", ")]
    assert sorted(labels) == [str(number) for number in range(1, len(found) + 1)]
    assert all(0 < mark.x < SIZE and 0 < mark.y < SIZE for mark in plot.marks)
    assert 0 < plot.bar_width < SIZE


def test_north_is_up_and_east_is_right() -> None:
    (mark,) = positions([("1", Offset(1.0, 1.0))]).marks
    assert mark.x > SIZE / 2 > mark.y


def test_the_index_marks_sales_on_its_line() -> None:
    chart = index_chart([("2025-01", 1.0), ("2025-12", 1.1)], [("2025-06-15", "1", None, "dot")])
    (point,) = chart.points
    start, end = (tuple(map(float, pair.split())) for pair in chart.path.removeprefix("M").split(" L"))
    assert start[0] < point.x < end[0]
    assert end[1] < point.y < start[1]


def test_a_single_month_makes_a_chart() -> None:
    chart = index_chart([("2025-01", 1.0)], [("2020-01-01", "1", None, "dot"), ("2026-02-01", "x", 1.2, "subject")])
    assert all(LEFT <= point.x <= RIGHT and TOP <= point.y <= BOTTOM for point in chart.points)


@given(st.lists(st.floats(0.2, 3.0), min_size=1, max_size=120))
def test_ratio_charts_hold_any_study(medians: list[float]) -> None:
    groups = [Group(str(number), "g", one, one * 0.9, one * 1.1) for number, one in enumerate(medians)]
    chart = ratio_chart(groups, 1.0, "months")
    assert all(TOP <= span.top <= span.y <= span.bottom <= BOTTOM for span in chart.spans)
    assert chart.band_top < chart.band_bottom
    assert len(chart.frame.x_ticks) <= 10


def test_bars_stand_on_the_axis() -> None:
    chart = histogram(0.7, 0.05, [0, 4, 9, 1], 0.95)
    assert chart.columns[0].height == 0.0
    assert all(column.y + column.height == pytest.approx(BOTTOM, abs=0.2) for column in chart.columns)


def test_numbers_that_would_cover_each_other_get_rows_of_their_own() -> None:
    plot = evidence(400e3, 500e3, 600e3, [500e3, 500e3, 590e3])
    assert [sign.row for sign in plot.signs] == [0, 1, 0]
    assert plot.low < plot.value < plot.high


def test_labels_are_thinned_evenly() -> None:
    ticks = thinned([str(one) for one in range(25)], [float(one) for one in range(25)], 10)
    assert [tick.label for tick in ticks] == ["0", "3", "6", "9", "12", "15", "18", "21", "24"]
    assert [tick.minor for tick in ticks][:3] == [False, True, False]


def test_padding_keeps_equal_values_apart() -> None:
    low, high = padded([5.0, 5.0])
    assert low < 5.0 < high
