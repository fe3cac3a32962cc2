import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import iso_date
from schemas.records import SaleRecord
from schemas.tabular import FileUnusable, Kind, Reading, Sales, read_mapping, read_sales
from tests.unit.tabular.files import SALE_COLUMNS, TODAY, mapping, sales_of, with_column, written

HEADER = "id,deed,date,price\n"


def days(sales: Sales) -> list[str]:
    return [iso_date(int(day)) for day in sales.day]


def test_a_sale_is_read(tmp_path: Path) -> None:
    sales, report = sales_of(tmp_path, HEADER + "0012.10,D1,2026-01-31,350000\n")
    assert sales.property_id.tolist() == ["0012.10"]
    assert sales.sale_id.tolist() == ["D1"]
    assert days(sales) == ["2026-01-31"]
    assert sales.price.tolist() == [350_000.0]
    assert sales.ineligible.tolist() == [None]
    assert sales.county_id == "KING"
    assert (report.rows, report.rejected, report.problems) == (1, 0, [])


def test_columns_may_be_joined(tmp_path: Path) -> None:
    table = mapping({"sale_id": ["id", "date"], "address": ["no", "street"]})
    sales, _ = sales_of(tmp_path, "id,date,price,no,street\n7,20260131T000000,5000,12,Main\n8,2026-02-01,1,,\n", table)
    assert sales.sale_id.tolist() == ["7-20260131T000000", "8-2026-02-01"]
    assert sales.text["address"].tolist() == ["12-Main", None]


def test_months_in_two_columns_are_known_to_the_month(tmp_path: Path) -> None:
    table = mapping({"sale_date": ["Yr Sold", "Mo Sold"]}, dates={"sale_date": "%Y-%m"})
    sales, report = sales_of(tmp_path, "id,deed,Yr Sold,Mo Sold,price\n1,a,2010,5,1000\n2,b,2010,13,1000\n", table)
    assert days(sales) == ["2010-05-01"]
    assert sales.month_precision.tolist() == [True]
    assert [(problem.column, problem.value) for problem in report.problems] == [("Yr Sold-Mo Sold", "2010-13")]


def test_a_sale_without_an_id_of_its_own_is_named_by_property_and_day(tmp_path: Path) -> None:
    table = read_mapping(
        {"county_id": "K", "columns": {name: source for name, source in SALE_COLUMNS.items() if name != "sale_id"}}
    )
    sales, _ = sales_of(tmp_path, "id,date,price\n7,2026-01-31,5000\n", table)
    assert sales.sale_id.tolist() == ["7-2026-01-31"]


@pytest.mark.parametrize(
    ("row", "column", "value", "reason"),
    [
        (",D1,2026-01-31,1000", "id", "", "no property_id"),
        ("1,,2026-01-31,1000", "deed", "", "no sale_id"),
        (f"{'9' * 129},D1,2026-01-31,1000", "id", "9" * 129, "longer than 128 characters"),
        ("a\x07b,D1,2026-01-31,1000", "id", "a\x07b", "unprintable"),
        ("1,D1,,1000", "date", "", "no sale_date"),
        ("1,D1,soon,1000", "date", "soon", "no ISO 8601 date; give its form under [dates]"),
        ("1,D1,2026-02-30,1000", "date", "2026-02-30", "no such day"),
        ("1,D1,1066-10-14,1000", "date", "1066-10-14", "no possible sale date"),
        ("1,D1,2206-10-14,1000", "date", "2206-10-14", "no possible sale date"),
        ("1,D1,2026-01-31,", "price", "", "no sale_price"),
        ("1,D1,2026-01-31,0", "price", "0", "not above 0"),
        ("1,D1,2026-01-31,-5", "price", "-5", "not above 0"),
        ("1,D1,2026-01-31,cheap", "price", "cheap", "no number"),
        ("1,D1,2026-01-31", "", "1,D1,2026-01-31", "3 fields where the header has 4"),
    ],
)
def test_a_bad_row_is_reported_with_its_line_and_the_others_stand(
    tmp_path: Path, row: str, column: str, value: str, reason: str
) -> None:
    sales, report = sales_of(tmp_path, f"{HEADER}8,D8,2026-01-01,1000\n\n{row}\n9,D9,2026-01-01,2000\n")
    assert sales.sale_id.tolist() == ["D8", "D9"]
    assert (report.rows, report.rejected, report.accepted) == (3, 1, 2)
    [problem] = report.problems
    assert (problem.line, problem.column, problem.value, problem.reason) == (4, column, value, reason)
    assert problem.effect == "row rejected"


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


def test_columns_with_odd_names_are_found(tmp_path: Path) -> None:
    header = '"1st Flr SF", Lot/Area ,"a,b",id,deed,date,price'
    table = mapping({"lot_size_sqft": "Lot/Area"}, features={"numeric": ["1st Flr SF", "a,b"]})
    sales, _ = sales_of(tmp_path, f"{header}\n1,2,3,P,D,2026-01-01,1000\n", table)
    assert sales.numeric["1st Flr SF"].tolist() == [1]
    assert sales.numeric["lot_size_sqft"].tolist() == [2]
    assert sales.numeric["a,b"].tolist() == [3]


def test_a_column_that_is_not_there_is_said_before_anything_is_read(tmp_path: Path) -> None:
    table = mapping({"living_area_sqft": "sqft_livin", "year_built": "YR_BUILT", "view": "panorama"})
    with pytest.raises(FileUnusable) as caught:
        sales_of(tmp_path, "id,deed,date,price,sqft_living,yr_built\n" + "junk\n" * 3, table)
    message = str(caught.value)
    assert "no column 'sqft_livin' - did you mean 'sqft_living'" in message
    assert "no column 'YR_BUILT' - did you mean 'yr_built'" in message
    assert "no column 'panorama'" in message


def test_a_column_that_is_there_twice_is_refused_if_it_is_needed(tmp_path: Path) -> None:
    rows = "id,deed,date,price,x,x\n1,a,2026-01-01,1000,1,2\n"
    assert len(sales_of(tmp_path, rows)[0]) == 1
    with pytest.raises(FileUnusable, match="the column 'x' twice"):
        sales_of(tmp_path, rows, mapping(features={"numeric": ["x"]}))


def test_sales_need_a_date_and_a_price(tmp_path: Path) -> None:
    table = read_mapping({"county_id": "K", "columns": {"property_id": "id"}})
    with pytest.raises(FileUnusable, match="sales need sale_date and sale_price"):
        sales_of(tmp_path, HEADER, table)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00" * 50])
def test_a_file_without_a_header_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileUnusable):
        sales_of(tmp_path, content)


def test_an_absent_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(FileUnusable, match="cannot be read"):
            read_sales(path, mapping())


def test_a_file_without_rows_gives_no_sales(tmp_path: Path) -> None:
    sales, report = sales_of(tmp_path, HEADER)
    assert len(sales) == report.rows == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_usual_encoding_and_line_end_is_read(tmp_path: Path, encoding: str, end: str) -> None:
    text = end.join(["id,deed,date,price,town", "1,a,2026-01-01,1000,Señal", "2,b,2026-01-01,1000,Zürich", ""])
    sales, _ = sales_of(tmp_path, text.encode(encoding), mapping(features={"categorical": ["town"]}))
    assert sales.text["town"].tolist() == ["Señal", "Zürich"]
    assert sales.line.tolist() == [2, 3]


def test_a_wrong_encoding_in_the_mapping_is_an_error_and_no_guess(tmp_path: Path) -> None:
    text = "id,deed,date,price\n" + "1,a,2026-01-01,1000\n" * 30 + "é,b,2026-01-01,1000\n"
    with pytest.raises(FileUnusable, match="cannot be read"):
        sales_of(tmp_path, text.encode("latin-1"), mapping(file={"encoding": "utf-8"}))
    with pytest.raises(FileUnusable, match="cannot be read"):
        sales_of(tmp_path, text, mapping(file={"encoding": "klingon"}))


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_are_found_out(tmp_path: Path, delimiter: str) -> None:
    text = f"{HEADER}1,a,2026-01-01,1000\n".replace(",", delimiter)
    assert sales_of(tmp_path, text)[0].price.tolist() == [1000]


def test_gzipped_files_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(f"{HEADER}1,a,2026-01-01,1000\n".encode()), "sales.csv.gz")
    assert len(read_sales(path, mapping(), today=TODAY)[0]) == 1


def test_sales_that_are_no_market_sales_stay_with_their_reason(tmp_path: Path) -> None:
    text = "id,deed,date,price,kind,flag\n" + "".join(
        f"{n},{n},2026-01-01,{price},{kind},{flag}\n"
        for n, (price, kind, flag) in enumerate(
            [(50_000, "Normal", 1), (50_001, "Family", 1), (50_002, "Normal ", 0), (900, "Normal", 1), (50_003, "", 1)]
        )
    )
    rules = {
        "arms_length": [{"column": "kind", "accept": ["Normal"]}, {"column": "flag", "accept": 1}],
        "min_price": 10_000,
    }
    sales, report = sales_of(tmp_path, text, mapping(sales=rules))
    assert sales.ineligible.tolist() == [
        None,
        "kind is Family",
        "flag is 0",
        "sale_price is below 10,000",
        "kind is empty",
    ]
    assert report.rejected == 0
    records = list(sales.records())
    assert records[0]["eligible"] is True
    assert records[1]["eligible"] is False
    assert records[1]["ineligible_reason"] == "kind is Family"


def test_what_the_rules_made_of_the_file_is_noted(tmp_path: Path) -> None:
    rules = {"arms_length": {"column": "kind", "accept": ["normal"]}}
    _, report = sales_of(tmp_path, with_column("kind", "Normal", "Normal", "Family", ""), mapping(sales=rules))
    assert report.notes == ["kind: 0 rows accepted; not accepted: Normal 2, Family 1, empty 1"]


def test_texts_that_a_spreadsheet_guarded_are_unwrapped(tmp_path: Path) -> None:
    sales, _ = sales_of(tmp_path, f'{HEADER}"=""0012""",a,2026-01-01,1000\n')
    assert sales.property_id.tolist() == ["0012"]


def test_without_rules_nothing_is_said_about_eligibility(tmp_path: Path) -> None:
    sales, _ = sales_of(tmp_path, f"{HEADER}1,a,2026-01-01,1000\n")
    assert "eligible" not in next(sales.records())


def test_the_same_sale_under_two_ids_counts_once(tmp_path: Path) -> None:
    sales, report = sales_of(tmp_path, f"{HEADER}1,a,2026-01-01,1000\n1,b,2026-01-01,1000\n1,c,2026-01-02,1000\n")
    assert sales.ineligible.tolist() == [None, "the same sale as on line 2 under another id", None]
    assert [problem.line for problem in report.problems] == [3]


def test_a_sale_id_that_comes_again_is_reported_and_the_first_stands(tmp_path: Path) -> None:
    sales, report = sales_of(tmp_path, f"{HEADER}1,a,2026-01-01,1000\n2,a,2026-01-05,2000\n")
    assert sales.price.tolist() == [1000]
    assert report.problems[0].reason == "sale id is on line 2 already"
    assert report.rejected == 1


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


def test_settings_for_columns_nobody_knows_are_refused(tmp_path: Path) -> None:
    for tables in ({"recode": {"prise": {"a": "b"}}}, {"empty": {"prise": "none"}}):
        with pytest.raises(FileUnusable, match=r"prise: the file has no such column - did you mean 'price'"):
            sales_of(tmp_path, HEADER, mapping(**tables))


def test_a_setting_may_name_the_standard_field(tmp_path: Path) -> None:
    table = mapping({"garage_sqft": "grg"}, empty={"garage_sqft": "none"}, recode={"garage_sqft": {"small": 200}})
    sales, _ = sales_of(tmp_path, with_column("grg", "", "small"), table)
    assert sales.numeric["garage_sqft"].tolist() == [0, 200]


def test_parquet_is_read_like_csv(tmp_path: Path) -> None:
    path = tmp_path / "sales.parquet"
    columns = {
        "id": pa.array([12, 13, None, 15], pa.int64()),
        "deed": ["a", "b", "c", "d"],
        "date": pa.array([20454, 20455, 20456, None], pa.date32()),
        "price": pa.array([1000.5, 2000.0, 3000.0, 4000.0]),
        "zip": pa.array(["98", None, "99", "1"]).dictionary_encode(),
        "pool": pa.array([True, False, None, True]),
        "code": pa.array([1.0, float("nan"), 2.5, 3.0]),
        "a.b": pa.array([1, 2, 3, 4]),
    }
    pq.write_table(pa.table(columns), path)
    table = mapping(features={"categorical": ["zip", "code"], "numeric": ["pool", "a.b"]})
    sales, report = read_sales(path, table, today=TODAY)
    assert sales.property_id.tolist() == ["12", "13"]
    assert days(sales) == ["2026-01-01", "2026-01-02"]
    assert sales.text["zip"].tolist() == ["98", ""]
    assert sales.text["code"].tolist() == ["1", ""]
    assert sales.numeric["pool"].tolist() == [1, 0]
    assert sales.numeric["a.b"].tolist() == [1, 2]
    assert [(problem.line, problem.reason) for problem in report.problems] == [
        (3, "no property_id"),
        (4, "no sale_date"),
    ]


def test_a_broken_parquet_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileUnusable, match="cannot be read"):
        read_sales(written(tmp_path, b"PAR1junk", "x.parquet"), mapping())


def test_every_problem_reaches_the_sink_and_the_first_thousand_are_kept(tmp_path: Path) -> None:
    heard: list[int] = []
    path = written(tmp_path, HEADER + "1,a,never,1000\n" * 1500)
    reading = Reading(path, mapping(), Kind.SALES, today=TODAY, sink=lambda problem: heard.append(problem.line))
    assert sum(len(sales) for sales in reading.sales()) == 0
    assert heard == list(range(2, 1502))
    assert len(reading.report.problems) == 1000
    assert reading.report.rejected == 1500


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
