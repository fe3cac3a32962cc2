from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.console import formats, words
from producer.console.formats import MINUS


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (505400, "$505,400"),
        (1234500.0, "$1,234,500"),
        (0, "$0"),
        (-250.4, f"{MINUS}$250"),
        (None, "—"),
        (float("nan"), "—"),
    ],
)
def test_dollars(amount: float | None, text: str) -> None:
    assert formats.dollars(amount) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(505443.05, "$505,443.05"), (-0.004, "$0.00"), (-7187.83, f"{MINUS}$7,187.83"), (0.1 + 0.2, "$0.30"), (None, "—")],
)
def test_cents(amount: float | None, text: str) -> None:
    assert formats.cents(amount) == text


def test_changes_show_their_sign() -> None:
    assert [formats.signed_cents(one) for one in (32122.59, -1.5, 0.0, 0.001)] == [
        "+$32,122.59",
        f"{MINUS}$1.50",
        "$0.00",
        "$0.00",
    ]


@given(st.integers(-(10**12), 10**12))
def test_cents_can_be_read_back(whole: int) -> None:
    text = formats.cents(whole / 100)
    assert int(text.replace(MINUS, "-").replace("$", "").replace(",", "").replace(".", "")) == whole


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("living_area_sqft", 1944.0, "1,944"),
        ("year_built", 1994.0, "1994"),
        ("year_renovated", 0.0, "—"),
        ("bathrooms", 2.25, "2.25"),
        ("waterfront", 0, "no"),
        ("pool", 1, "yes"),
        ("heating", "Heat pump", "Heat pump"),
        ("heating", None, "—"),
        ("lot_size_sqft", 12345.678, "12,345.7"),
    ],
)
def test_characteristics(name: str, value: float | str | None, text: str) -> None:
    assert formats.characteristic(name, value) == text


def test_dates_are_american_and_times_say_utc() -> None:
    assert formats.day(date(2026, 3, 4)) == "Mar 4, 2026"
    assert formats.day("2026-11-23") == "Nov 23, 2026"
    assert formats.day("no date") == "no date"
    assert formats.moment("2026-11-23T09:05:01.123Z") == "Nov 23, 2026, 09:05:01 UTC"
    assert formats.moment(datetime(2026, 11, 23, 9, tzinfo=UTC)) == "Nov 23, 2026, 09:00:00 UTC"
    assert formats.moment("soon") == "soon"


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")])
def test_durations(seconds: float, text: str) -> None:
    assert formats.duration(seconds).replace("\N{NO-BREAK SPACE}", " ") == text


def test_every_flag_of_the_engine_is_a_sentence() -> None:
    assert words.flag("outside_sales_range:living_area_sqft").startswith("“Living area (sq ft)” lies beyond")
    assert words.flag("review_recommended").endswith(".")
    assert words.flag("something_new") == "something_new"


def test_a_countys_own_feature_is_made_readable() -> None:
    assert words.feature("roof_style") == "Roof style"
    assert words.feature("") == ""
