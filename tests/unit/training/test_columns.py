"""Which columns become features, whatever a county calls them."""

import numpy as np
import pytest

from processor.training.columns import choose
from processor.valuation.frame import Floats, Frame
from tests.unit.training.county import texts

N = 400
RNG = np.random.default_rng(0)
PRICE = np.exp(RNG.normal(13, 0.5, N))
STANDARD = frozenset({"lot_size_sqft", "living_area_sqft"})


def _reason(name: str, values: Floats) -> str | None:
    return choose(Frame(N, {name: values}, {}), np.log(PRICE), STANDARD).excluded.get(name)


def _text_reason(name: str, values: list[str]) -> str | None:
    return choose(Frame(N, {}, {name: texts(values)}), np.log(PRICE), STANDARD).excluded.get(name)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("always", np.full(N, 7.0)),
        ("unknown", np.full(N, np.nan)),
        ("rarely known", np.where(np.arange(N) < 3, 1.0, np.nan)),
        ("copy", PRICE * 1.1),
        ("nearly a copy", PRICE * np.exp(RNG.normal(0, 0.02, N))),
        ("parcel", np.arange(N) + 7_000_000.0),
        ("Sale Year", RNG.integers(2010, 2015, N).astype(float)),
        ("MoSold", RNG.integers(1, 13, N).astype(float)),
        ("assessed_value", RNG.normal(size=N)),
        ("Tax 2014", RNG.normal(size=N)),
    ],
)
def test_what_an_unsold_property_has_not_or_what_tells_nothing_is_left_out(name: str, values: Floats) -> None:
    assert _reason(name, values) is not None


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("lot_size_sqft", RNG.permutation(N) + 100_000.0),
        ("1st Flr SF", np.rint(np.exp(RNG.normal(7, 0.3, N)))),
        ("flag", RNG.integers(0, 2, N).astype(float)),
        ("one value or unknown", np.where(RNG.random(N) < 0.3, 1.0, np.nan)),
        ("Wholesaler distance", RNG.normal(size=N)),
    ],
)
def test_characteristics_are_kept(name: str, values: Floats) -> None:
    assert _reason(name, values) is None


def test_of_two_equal_columns_one_is_kept() -> None:
    column = RNG.normal(size=N)
    choice = choose(Frame(N, {"one": column, "two": column.copy()}, {}), np.log(PRICE), STANDARD)
    assert choice.plan.numeric == ("one",)
    assert choice.excluded == {"two": "same as one"}


def test_texts_that_name_each_property_are_no_categories() -> None:
    assert _text_reason("deed book", [f"B{row}" for row in range(N)]) is not None
    assert _text_reason("label", [f"L{row}" for row in range(N)]) is not None
    assert _text_reason("heating", ["Gas", "None"] * (N // 2)) is None


def test_the_text_none_and_the_empty_text_are_levels_and_a_missing_text_is_a_code_of_its_own() -> None:
    words = texts(["None", "", "Gas", "Oil"] * (N // 4))
    words[::5] = None
    choice = choose(Frame(N, {}, {"heat": words}), np.log(PRICE), STANDARD)
    (category,) = choice.plan.categories
    assert category.levels == ("", "Gas", "None", "Oil")
    codes = choice.plan.read(Frame(4, {}, {"heat": texts_or_none(["None", "", None, "Sun"])})).codes[:, 0]
    assert codes.tolist() == [2, 0, category.unknown, category.unseen]


def texts_or_none(values: list[str | None]) -> "np.ndarray[tuple[int], np.dtype[np.object_]]":
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def test_numbers_that_arrive_as_text_and_codes_that_arrive_as_numbers_are_understood() -> None:
    frame = Frame(N, {"rooms": RNG.integers(2, 9, N).astype(float)}, {"zip": texts(["98001", "98002"] * (N // 2))})
    plan = choose(frame, np.log(PRICE), STANDARD).plan
    found = plan.read(Frame(2, {"zip": np.array([98002.0, np.nan])}, {"rooms": texts(["4", "many"])}))
    assert found.codes[:, 0].tolist() == [1, 2]
    assert found.numbers[0, 0] == 4
    assert np.isnan(found.numbers[1, 0])
