"""Files as other counties have them, from CSV and mapping to a trained model and a value: no line of code needed."""

import csv
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import orjson
import pytest

from processor.training.files import sales_from_file
from processor.training.train import Trained, train
from processor.valuation.frame import Frame, Sales, Subjects
from processor.valuation.model.appraisal import MassAppraisal
from processor.valuation.model.bundle import write
from schemas.tabular import Report, TabularError
from tests.unit.training.county import made_sales

Row = dict[str, object]
Shape = Callable[[int, Row], Row]

COUNTY = """
county_id = "OTHER"
[columns]
property_id = "Parcel No."
sale_date = "Sale Date"
sale_price = "Price ($)"
living_area_sqft = "1st+2nd Flr SF"
lot_size_sqft = "Lot Area"
year_built = "Yr Built"
neighborhood = "Area/Name"
{columns}
[features]
numeric = {numeric}
categorical = {categorical}
"""


def plain(_at: int, row: Row) -> Row:
    return row


def month_precision(_at: int, row: Row) -> Row:
    return row | {"Sale Date": str(row["Sale Date"])[:7]}


def dirty(at: int, row: Row) -> Row:
    if at % 60 == 7:
        row["Sale Date"] = ("", "31/31/2099", "yesterday")[at // 60 % 3]
    if at % 60 == 19:
        row["Price ($)"] = ("", "-1", "n/a", "0")[at // 60 % 4]
    if at % 60 == 33:
        row["Yr Built"] = "20112"
    return row


def gaps(at: int, row: Row) -> Row:
    for position, name in enumerate(("Lot Area", "Yr Built", "grade", "Area/Name")):
        if (at + position) % 4 == 0:
            row[name] = ""
    return row


def eighty_more(at: int, row: Row) -> Row:
    dice = np.random.default_rng(at)
    return row | {f"x/{name}": round(float(dice.normal()), 3) for name in range(80)}


def grade_in_words(_at: int, row: Row) -> Row:
    return row | {"grade": ("None", "poor", "fair", "good ", "very good", "best")[int(str(row["grade"]))]}


def new_levels_in_the_end(at: int, row: Row) -> Row:
    return row | ({"Area/Name": "Newtown"} if at > 380 else {})


@pytest.fixture
def made() -> Sales:
    return made_sales(400, seed=12)


def row_of(sales: Sales, at: int) -> Row:
    numbers = {name: column[at] for name, column in sales.frame.numeric.items()}
    day = date(1970, 1, 1) + timedelta(days=int(sales.day[at]))
    return {
        "Parcel No.": f"00{at:04d}.10",
        "Sale Date": day.isoformat(),
        "Price ($)": f"{sales.price[at]:.0f}",
        "1st+2nd Flr SF": f"{numbers['living_area_sqft']:.0f}",
        "Lot Area": f"{numbers['lot_size_sqft']:.0f}",
        "Yr Built": f"{numbers['year_built']:.0f}",
        "Area/Name": sales.frame.text["neighborhood"][at],
        "grade": f"{numbers['quality']:.0f}",
        "lat": f"{numbers['latitude']:.5f}",
        "lon": f"{numbers['longitude']:.5f}",
    }


def _trained(sales: Sales, shape: Shape, directory: Path, *, located: bool, words: bool) -> tuple[Trained, Report]:
    rows = [shape(at, row_of(sales, at)) for at in range(len(sales))]
    file, mapping = directory / "sales.csv", directory / "sales.toml"
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    numeric = [name for name in rows[0] if name.startswith("x/")] + ([] if words else ["grade"])
    mapping.write_text(
        COUNTY.format(
            columns='latitude = "lat"\nlongitude = "lon"' if located else "",
            numeric=orjson.dumps(numeric).decode(),
            categorical='["grade"]' if words else "[]",
        )
    )
    _, found, report = sales_from_file(file, mapping)
    return train("OTHER", found), report


@pytest.mark.parametrize(
    ("shape", "located", "words", "most_cod"),
    [
        (plain, True, False, 11.0),
        (month_precision, True, False, 11.0),
        (dirty, True, False, 11.5),
        (gaps, False, False, 17.0),
        (eighty_more, False, False, 13.0),
        (grade_in_words, True, True, 11.0),
        (new_levels_in_the_end, False, False, 14.0),
    ],
)
def test_a_file_trains_is_studied_and_values(  # noqa: PLR0913 - what varies between counties, and where to write
    made: Sales, tmp_path: Path, shape: Shape, *, located: bool, words: bool, most_cod: float
) -> None:
    found, report = _trained(made, shape, tmp_path, located=located, words=words)
    assert found.study.cod is not None
    assert found.study.cod < most_cod
    assert 0.93 < found.study.median_ratio < 1.07
    assert found.study.coverage_90 is not None
    assert found.study.coverage_90 > 80
    assert bool(report.problems) == (shape is dirty)
    engine = MassAppraisal(write(tmp_path, found.county, found.papers, "now"))
    some = made.frame.take(np.arange(3))
    unseen = Frame(3, {**some.numeric, "grade": some.number("quality")}, some.text)
    for answer in engine.value(Subjects(["0000", "0001", "0002"], unseen, made.day[-3:] + 1, [None] * 3)):
        assert isinstance(answer, bytes)
        result = orjson.loads(answer)
        assert result["value_low"] < result["estimated_value"] < result["value_high"]
        assert all(used.startswith("00") for used in result["comparables_used"])


def test_the_county_of_the_command_stands_in_for_the_mappings_and_must_not_contradict_it(tmp_path: Path) -> None:
    file, mapping = tmp_path / "sales.csv", tmp_path / "sales.toml"
    file.write_text("id,day,price\nP1,2020-01-01,100000\n")
    columns = '[columns]\nproperty_id = "id"\nsale_date = "day"\nsale_price = "price"\n'
    mapping.write_text(columns)
    county_id, found, _ = sales_from_file(file, mapping, "yakima_wa")
    assert (county_id, len(found)) == ("YAKIMA", 1)
    mapping.write_text('county_id = "KING"\n' + columns)
    with pytest.raises(TabularError, match="county_id is KING, not YAKIMA"):
        sales_from_file(file, mapping, "YAKIMA")
