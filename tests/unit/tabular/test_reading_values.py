from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import iso_date
from schemas.records import SaleRecord
from schemas.tabular import Sales
from tests.unit.tabular.files import mapping, sales_of, with_column

HEADER = "id,deed,date,price\n"


def days(sales: Sales) -> list[str]:
    return [iso_date(int(day)) for day in sales.day]


def test_numbers_stored_as_text_are_numbers(tmp_path: Path) -> None:
    text = with_column("sqft", '"1,180"', '"1180"', " 1180 ", '"$1,180.00"', "abc", "")
    sales, report = sales_of(tmp_path, text, mapping({"living_area_sqft": "sqft"}))
    np.testing.assert_array_equal(sales.numeric["living_area_sqft"], [1180, 1180, 1180, 1180, np.nan, np.nan])
    [problem] = report.problems
    assert (problem.line, problem.value, problem.reason, problem.effect) == (6, "abc", "no number", "value unknown")


def test_codes_stay_the_text_they_are(tmp_path: Path) -> None:
    text = with_column("zip", "098", "98178", "98178 ", "None", "", "NA", "1.10")
    sales, report = sales_of(tmp_path, text, mapping(features={"categorical": ["zip"]}))
    assert sales.text["zip"].tolist() == ["098", "98178", "98178", "None", "", "NA", "1.10"]
    assert report.problems == []


@pytest.mark.parametrize(
    ("empty", "number", "text"),
    [
        ({}, np.nan, ""),
        ({"c": "none", "t": "none"}, 0.0, ""),
        ({"c": "unknown", "t": "unknown"}, np.nan, None),
        ({"c": 7, "t": "No alley"}, 7.0, "No alley"),
    ],
)
def test_an_empty_cell_says_what_the_mapping_says(
    tmp_path: Path, empty: dict[str, Any], number: float, text: str | None
) -> None:
    rows = "id,deed,date,price,c,t\n1,a,2026-01-01,1000,,\n2,b,2026-01-01,1000,3,x\n"
    table = mapping(features={"numeric": ["c"], "categorical": ["t"]}, empty=empty)
    sales, _ = sales_of(tmp_path, rows, table)
    np.testing.assert_array_equal(sales.numeric["c"], [number, 3])
    assert sales.text["t"].tolist() == [text, "x"]


def test_two_spellings_of_one_code_become_one(tmp_path: Path) -> None:
    table = mapping(
        {"condition": "Q"},
        features={"categorical": ["zone"]},
        recode={"zone": {"C (all)": "C"}, "Q": {"Good": 4, "Poor": 1}},
    )
    rows = "id,deed,date,price,zone,Q\n1,a,2026-01-01,1000,C (all) ,Good\n2,b,2026-01-01,1000,C,2\n"
    sales, _ = sales_of(tmp_path, rows, table)
    assert sales.text["zone"].tolist() == ["C", "C"]
    assert sales.numeric["condition"].tolist() == [4, 2]


def test_marks_that_the_mapping_calls_missing_are_empty_everywhere(tmp_path: Path) -> None:
    table = mapping({"neighborhood": "n"}, features={"categorical": ["t"]}, missing=["NA", -9999])
    rows = "id,deed,date,price,n,t\n1,a,2026-01-01,1000,NA,NA\n2,b,2026-01-01,1000,-9999,-9999\n"
    sales, _ = sales_of(tmp_path, rows, table)
    assert sales.text["neighborhood"].tolist() == [None, None]
    assert sales.text["t"].tolist() == ["", ""]


@pytest.mark.parametrize(
    ("field", "cells", "kept"),
    [
        ("year_built", ["1955", "0", "198", "2204", "2028", "2029"], [1955, None, None, None, 2028, None]),
        ("year_renovated", ["0", "1991", "19", ""], [0, 1991, None, None]),
        ("living_area_sqft", ["0", "-5", "1620", "99999999"], [None, None, 1620, None]),
        ("lot_size_sqft", ["0", "-5", "99999999999"], [0, None, None]),
        ("latitude", ["47.5", "91", "-91", "0"], [47.5, None, None, None]),
        ("longitude", ["-122.3", "-190"], [-122.3, None]),
        ("bedrooms", ["33", "-1"], [33, None]),
    ],
)
def test_impossible_values_are_unknown_and_reported_and_the_sale_stays(
    tmp_path: Path, field: str, cells: list[str], kept: list[float | None]
) -> None:
    sales, report = sales_of(tmp_path, with_column("c", *cells), mapping({field: "c"}))
    assert [None if np.isnan(value) else value for value in sales.numeric[field]] == kept
    impossible = [cell for cell, value in zip(cells, kept, strict=True) if cell and value is None]
    assert [problem.value for problem in report.problems] == impossible
    assert report.rejected == 0


def test_a_column_of_words_mapped_as_number_becomes_a_category(tmp_path: Path) -> None:
    text = with_column("Exter Qual", "Gd", "TA", "TA", "", "7")
    sales, report = sales_of(tmp_path, text, mapping({"quality": "Exter Qual"}))
    assert sales.text["Exter Qual"].tolist() == ["Gd", "TA", "TA", "", "7"]
    assert "quality" not in sales.numeric
    assert report.notes == ["column 'Exter Qual' holds words: taken as the categorical feature of that name"]
    assert report.problems == []
    assert next(sales.records())["features"] == {"Exter Qual": "Gd"}


def test_a_few_words_among_numbers_do_not_make_a_category(tmp_path: Path) -> None:
    cells = ["5"] * 10 + ["five", "six", "seven"]
    sales, report = sales_of(tmp_path, with_column("q", *cells), mapping(features={"numeric": ["q"]}))
    assert "q" in sales.numeric
    assert len(report.problems) == 3


def test_attributes_of_the_sale_are_no_features(tmp_path: Path) -> None:
    table = mapping(
        {"sale_date": ["yr", "mo"]},
        dates={"sale_date": "%Y-%m"},
        features={"numeric": ["yr", "mo", "rooms"], "categorical": ["kind", "id"]},
        sales={"arms_length": {"column": "kind", "accept": ["Normal"]}},
    )
    sales, report = sales_of(tmp_path, "id,deed,yr,mo,price,kind,rooms\n1,a,2010,5,1000,Normal,4\n", table)
    assert list(sales.numeric) == ["rooms"]
    assert list(sales.text) == ["id"]
    assert sorted(report.notes) == [
        f"feature {name!r} describes the sale and is left out" for name in ("kind", "mo", "yr")
    ]


def test_a_setting_may_name_the_standard_field(tmp_path: Path) -> None:
    table = mapping({"garage_sqft": "grg"}, empty={"garage_sqft": "none"}, recode={"garage_sqft": {"small": 200}})
    sales, _ = sales_of(tmp_path, with_column("grg", "", "small"), table)
    assert sales.numeric["garage_sqft"].tolist() == [0, 200]


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["1", "2026-01-31", "350,000", "-5", "None", "1e400", "2204", '"', "nan", "\x00"]
)


@given(st.lists(st.lists(CELLS, min_size=8, max_size=8), max_size=6))
def test_whatever_a_file_holds_the_records_are_valid(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    header = "id,deed,date,price,area,year,lat,text\n"
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows]
    table = mapping(
        {
            "living_area_sqft": "area",
            "year_built": "year",
            "latitude": "lat",
            "address": "text",
            "document_number": "text",
        },
        features={"categorical": ["text"], "numeric": ["area"]},
    )
    sales, report = sales_of(tmp_path_factory.mktemp("any"), header + "".join(lines), table)
    for record in sales.records():
        SaleRecord.model_validate(record)
    assert report.rows >= report.rejected + len(sales)
