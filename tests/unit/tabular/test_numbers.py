import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.tabular.numbers import as_numbers


def read(text: str, *, decimal_comma: bool = False) -> float | str | None:
    """The number; None for nothing; "wrong" for no number."""
    numbers, wrong = as_numbers([text], decimal_comma=decimal_comma)
    if wrong:
        return "wrong"
    return None if math.isnan(numbers[0]) else float(numbers[0])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1180", 1180.0),
        ("2.25", 2.25),
        (".5", 0.5),
        ("5.", 5.0),
        ("-3", -3.0),
        ("+3", 3.0),
        ("1e5", 1e5),
        ("1,234", 1234.0),
        ("1,234,567.89", 1234567.89),
        ("$1,234", 1234.0),
        ("$ 1,234.50", 1234.5),
        ("US$ 350,000", 350_000.0),
        ("350,000 USD", 350_000.0),
        ("-$5", -5.0),
        ("(1,200)", -1200.0),
        ("1 234 567", 1234567.0),
        ("1\u00a0234", 1234.0),
        ("1'234", 1234.0),
        ("Yes", 1.0),
        ("N", 0.0),
        ("true", 1.0),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, number: float) -> None:
    assert read(text) == number


@pytest.mark.parametrize("text", ["", "NA", "n/a", "NaN", "None", "NULL", "-", "?", ".", "#N/A"])
def test_what_stands_for_nothing_is_nothing(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "12a",
        "1,5",
        "1,23,456",
        "12,3456",
        "1_000",
        "inf",
        "-Infinity",
        "1e999",
        "$",
        "1.2.3",
        "0x10",
        "()",
        "--5",
    ],
)
def test_what_is_no_number_is_not_guessed_at(text: str) -> None:
    assert read(text) == "wrong"


def test_a_decimal_comma_is_taken_where_the_mapping_says_so() -> None:
    assert read("1.234,5", decimal_comma=True) == 1234.5
    assert read("2,25", decimal_comma=True) == 2.25
    assert read("2", decimal_comma=True) == 2.0


def test_one_wrong_text_does_not_change_its_neighbours() -> None:
    numbers, wrong = as_numbers(["1", "x", "3", "", "1,000"])
    assert wrong == [1]
    assert [None if math.isnan(each) else each for each in numbers] == [1, None, 3, None, 1000]


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_every_plain_number_survives(number: float) -> None:
    assert read(repr(number)) == number


@given(st.lists(st.text(max_size=12), max_size=5))
def test_no_text_breaks_the_reader(texts: list[str]) -> None:
    numbers, wrong = as_numbers([text.strip() for text in texts])
    assert len(numbers) == len(texts)
    assert not any(math.isinf(number) for number in numbers)
    assert all(0 <= row < len(texts) for row in wrong)
