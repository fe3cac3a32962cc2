from pathlib import Path

import pytest

from schemas.records import PropertyRecord
from schemas.tabular import FileUnusable, Properties, Report, TableMapping, read_properties
from tests.unit.tabular.files import TODAY, mapping, written


def properties_of(directory: Path, text: str, table: TableMapping) -> tuple[Properties, Report]:
    return read_properties(written(directory, text), table, today=TODAY)


def test_a_roll_needs_no_sale_columns(tmp_path: Path) -> None:
    table = mapping({"bedrooms": "beds"}, sales={"arms_length": {"column": "kind", "accept": ["x"]}})
    properties, _ = properties_of(tmp_path, "id,beds\n1,3\n2,\n", table)
    assert list(properties.records()) == [
        {"property_id": "1", "county_id": "KING", "bedrooms": 3},
        {"property_id": "2", "county_id": "KING"},
    ]


def test_of_several_sales_of_a_property_the_latest_row_describes_it(tmp_path: Path) -> None:
    rows = ["1,a,2026-03-01,9,3", "2,b,2026-01-01,9,2", "1,c,2026-01-01,9,4", "1,d,2026-03-01,9,5"]
    text = "\n".join(["id,deed,date,price,beds", *rows])
    properties, report = properties_of(tmp_path, text, mapping({"bedrooms": "beds"}))
    assert sorted(zip(properties.property_id, properties.numeric["bedrooms"], strict=True)) == [("1", 5.0), ("2", 2.0)]
    assert (report.rows, report.superseded, report.rejected, report.accepted) == (4, 2, 0, 2)


def test_without_dates_the_last_row_describes_it(tmp_path: Path) -> None:
    properties, report = properties_of(tmp_path, "id,beds\n1,3\n1,4\n", mapping({"bedrooms": "beds"}))
    assert properties.numeric["bedrooms"].tolist() == [4]
    assert report.superseded == 1


def test_a_property_without_a_usable_date_is_a_property_all_the_same(tmp_path: Path) -> None:
    properties, report = properties_of(tmp_path, "id,date,beds\n1,soon,3\n2,,4\n", mapping({"bedrooms": "beds"}))
    assert properties.property_id.tolist() == ["1", "2"]
    assert report.problems == []


def test_rejected_rows_take_no_part_in_choosing_the_latest(tmp_path: Path) -> None:
    text = "id,beds\n1,3\n,9\n1,4,5\n2,6\n"
    properties, report = properties_of(tmp_path, text, mapping({"bedrooms": "beds"}))
    assert properties.numeric["bedrooms"].tolist() == [3, 6]
    assert report.rejected == 2


def test_only_property_columns_have_to_be_in_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileUnusable, match="no column 'beds'"):
        properties_of(tmp_path, "id,date\n1,2026-01-01\n", mapping({"bedrooms": "beds"}))


def test_more_rows_than_a_chunk_holds_are_read_as_one(tmp_path: Path) -> None:
    rows = "".join(f"{n % 15_000},{n}\n" for n in range(25_000))
    properties, report = properties_of(tmp_path, f"id,value\n{rows}", mapping({"assessed_value": "value"}))
    assert len(properties) == 15_000
    assert report.superseded == 10_000
    assert sorted(properties.numeric["assessed_value"]) == list(range(10_000, 25_000))


def test_features_of_any_name_and_kind_make_valid_records(tmp_path: Path) -> None:
    table = mapping({"neighborhood": "n"}, features={"numeric": ["view", "1st"], "categorical": ["condition"]})
    properties, _ = properties_of(tmp_path, "id,n,view,1st,condition\n1,Uptown,3,2.5,Good\n", table)
    [record] = properties.records()
    assert record["view"] == 3
    assert record["features"] == {"1st": 2.5, "condition": "Good"}
    assert PropertyRecord.model_validate(record).flat() == {
        "neighborhood": "Uptown",
        "view": 3,
        "1st": 2.5,
        "condition": "Good",
    }
