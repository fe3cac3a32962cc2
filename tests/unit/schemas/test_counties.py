import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.counties import normalise_county


@pytest.mark.parametrize(
    "written",
    ["benton", "BENTON", "benton_wa", "benton-wa", "Benton WA", "Benton County", "Benton County, WA", " benton "],
)
def test_the_ways_people_write_a_county_name_one_county(written: str) -> None:
    assert normalise_county(written) == "BENTON"


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("WA", "WA"),
        ("53005", "53005"),
        ("san-juan_wa", "SAN_JUAN"),
        ("Doña Ana", "DOÑA_ANA"),
        ("st. mary's", "ST_MARY_S"),
    ],
)
def test_a_name_keeps_what_tells_it_from_others(written: str, normal: str) -> None:
    assert normalise_county(written) == normal


@pytest.mark.parametrize("nothing", ["", " ", "---", "_", "!?"])
def test_a_name_without_letter_or_digit_is_refused(nothing: str) -> None:
    with pytest.raises(ValueError, match="at least one letter or digit"):
        normalise_county(nothing)


@given(st.text(min_size=1, max_size=64))
def test_normalising_twice_changes_nothing(written: str) -> None:
    try:
        once = normalise_county(written)
    except ValueError:
        return
    assert normalise_county(once) == once
    assert "/" not in once
