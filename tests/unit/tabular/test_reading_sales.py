from pathlib import Path

import pytest

from schemas.clock import iso_date
from schemas.tabular import Sales, read_mapping
from tests.unit.tabular.files import SALE_COLUMNS, mapping, sales_of, with_column

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
