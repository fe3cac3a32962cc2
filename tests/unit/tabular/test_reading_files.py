import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.clock import iso_date
from schemas.tabular import FileUnusable, Kind, Reading, Sales, read_mapping, read_sales
from tests.unit.tabular.files import TODAY, mapping, sales_of, written

HEADER = "id,deed,date,price\n"


def days(sales: Sales) -> list[str]:
    return [iso_date(int(day)) for day in sales.day]


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


def test_texts_that_a_spreadsheet_guarded_are_unwrapped(tmp_path: Path) -> None:
    sales, _ = sales_of(tmp_path, f'{HEADER}"=""0012""",a,2026-01-01,1000\n')
    assert sales.property_id.tolist() == ["0012"]


def test_settings_for_columns_nobody_knows_are_refused(tmp_path: Path) -> None:
    for tables in ({"recode": {"prise": {"a": "b"}}}, {"empty": {"prise": "none"}}):
        with pytest.raises(FileUnusable, match=r"prise: the file has no such column - did you mean 'price'"):
            sales_of(tmp_path, HEADER, mapping(**tables))


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


def test_columns_that_the_mapping_does_not_name_are_noted(tmp_path: Path) -> None:
    table = mapping({"quality": "grade"}, features={"numeric": ["lot"]})
    _, report = sales_of(tmp_path, "id,deed,date,price,grade,lot,condition,baths\nP,D,2026-01-01,1000,7,1,3,2\n", table)
    assert report.notes == [
        "not named by the mapping, so not used: condition, baths; [columns] or [features] would take them up"
    ]


def test_of_many_unused_columns_the_first_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    more = [f"c{number}" for number in range(23)]
    _, report = sales_of(tmp_path, f"id,deed,date,price,{','.join(more)}\n")
    assert "c0, c1" in report.notes[0]
    assert "c19 and 3 more;" in report.notes[0]
