import pytest

from schemas.clock import iso_date
from schemas.tabular.dates import DateReader, NoDate


def read(text: str, *formats: str) -> tuple[str, bool]:
    day, month_only = DateReader(formats).read(text)
    return iso_date(day), month_only


@pytest.mark.parametrize(
    "text",
    [
        "2014-10-13",
        "2014/10/13",
        "2014.10.13",
        "20141013",
        "20141013T000000",
        "2014-10-13T00:00:00",
        "2014-10-13 23:59:59.999",
        "2014-10-13T00:00:00Z",
        "2014-10-13T00:00:00+02:00",
    ],
)
def test_iso_days_need_no_format(text: str) -> None:
    assert read(text) == ("2014-10-13", False)


@pytest.mark.parametrize("text", ["2010-05", "2010-5", "2010/5", "2010.0-5.0", "201005"])
def test_iso_months_are_known_to_the_month(text: str) -> None:
    assert read(text) == ("2010-05-01", True)


@pytest.mark.parametrize(
    ("text", "form", "day"),
    [
        ("20141013T000000", "%Y%m%dT%H%M%S", ("2014-10-13", False)),
        ("1/31/2026", "%m/%d/%Y", ("2026-01-31", False)),
        ("31.1.26", "%d.%m.%y", ("2026-01-31", False)),
        ("2010-5", "%Y-%m", ("2010-05-01", True)),
        ("5-2010", "%m-%Y", ("2010-05-01", True)),
        ("Mar 2010", "%b %Y", ("2010-03-01", True)),
        ("2010.0-5.0", "%Y-%m", ("2010-05-01", True)),
    ],
)
def test_a_format_of_the_mapping_is_followed(text: str, form: str, day: tuple[str, bool]) -> None:
    assert read(text, form) == day


def test_a_true_date_is_read_whatever_form_the_texts_have() -> None:
    assert read("2014-10-13T00:00:00", "%m/%d/%Y") == ("2014-10-13", False)
    with pytest.raises(NoDate):
        read("2014/10/13", "%m/%d/%Y")


def test_several_formats_are_tried_in_turn() -> None:
    assert read("2010-05", "%m/%d/%Y", "%Y-%m") == ("2010-05-01", True)
    assert read("05/06/2010", "%m/%d/%Y", "%Y-%m") == ("2010-05-06", False)


@pytest.mark.parametrize(
    "text", ["", "2014-13-01", "2014-02-30", "1/31/2026", "0000-00-00", "soon", "2014", "41925", "20141332"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(NoDate):
        read(text)


def test_a_refused_date_is_refused_again() -> None:
    reader = DateReader(["%Y-%m-%d"])
    for _ in range(2):
        with pytest.raises(NoDate, match="no such day"):
            reader.read("2014-02-30")
