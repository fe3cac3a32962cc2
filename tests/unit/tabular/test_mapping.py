from pathlib import Path
from typing import Any

import pytest

from schemas.tabular import MappingInvalid, load_mapping, read_mapping
from tests.unit.tabular.files import SALE_COLUMNS, written


def refused(document: dict[str, Any], county_id: str | None = None) -> str:
    with pytest.raises(MappingInvalid) as caught:
        read_mapping(document, county_id)
    return str(caught.value)


def document(**tables: Any) -> dict[str, Any]:
    return {"county_id": "KING", "columns": SALE_COLUMNS, **tables}


def test_a_mapping_may_be_as_short_as_ids_date_and_price() -> None:
    mapping = read_mapping(document())
    assert mapping.county_id == "KING"
    assert mapping.columns["property_id"] == ["id"]


def test_the_county_is_normalised() -> None:
    assert read_mapping({**document(), "county_id": "King County, WA"}).county_id == "KING"


def test_the_caller_may_name_the_county_and_may_not_contradict() -> None:
    assert read_mapping({"columns": SALE_COLUMNS}, "king").county_id == "KING"
    assert read_mapping(document(), "King County").county_id == "KING"
    assert "county_id is KING, not BENTON" in refused(document(), "BENTON")
    assert "county_id: is needed" in refused({"columns": SALE_COLUMNS})


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"colums": {}}, "colums: unknown key - did you mean 'columns'?"),
        ({"features": {"numerical": []}}, "features.numerical: unknown key - did you mean 'numeric'"),
        ({"sales": {"minprice": 1}}, "sales.minprice: unknown key - did you mean 'min_price'"),
        ({"sales": {"arms_length": {"column": "x", "accepts": ["a"]}}}, "did you mean 'accept'?"),
        (
            {"columns": {**SALE_COLUMNS, "living_area": "x"}},
            "columns.living_area: no standard field - did you mean 'living_area_sqft'",
        ),
        ({"columns": {**SALE_COLUMNS, "year_built": ["a", "b"]}}, "year_built needs one"),
        ({"columns": {"sale_date": "d"}}, "columns.property_id: is needed"),
        ({"dates": {"sale_price": "%Y"}}, "only sale_date is a date"),
        ({"dates": {"sale_date": "%Y"}}, "names no year and month"),
        ({"features": {"numeric": ["a"], "categorical": ["a"]}}, "'a' is both numeric and categorical"),
        ({"features": {"numeric": ["price"]}}, "'price' is the sale price"),
        (
            {"columns": {**SALE_COLUMNS, "view": "v"}, "features": {"numeric": ["view"]}},
            "would hide the standard field",
        ),
        ({"sales": {"min_price": -1}}, "sales.min_price: "),
        ({"recode": {"a": "b"}}, "recode.a: "),
        ({"columns": {**SALE_COLUMNS, "address": 7}}, "columns.address"),
        ({"file": {"delimiter": ";;"}}, "file.delimiter: "),
    ],
)
def test_what_is_wrong_is_said_with_a_hint(tables: dict[str, Any], words: str) -> None:
    assert words in refused(document(**tables))


def test_everything_wrong_is_said_at_once() -> None:
    message = refused(document(columns={"propertyid": "a", "lat": "b"}))
    assert len(message.splitlines()) == 3


def test_codes_may_be_written_as_numbers() -> None:
    mapping = read_mapping(
        document(sales={"arms_length": {"column": "c", "accept": [1, "2 "]}}, recode={"c": {"x": 3}})
    )
    assert mapping.sales.arms_length[0].accept == ["1", "2"]
    assert mapping.recode["c"] == {"x": "3"}


def test_a_file_that_is_absent_or_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingInvalid, match=r"absent\.toml: cannot be read"):
        load_mapping(tmp_path / "absent.toml")
    with pytest.raises(MappingInvalid, match=r"bad\.toml: no TOML"):
        load_mapping(written(tmp_path, "a = [", "bad.toml"))
    with pytest.raises(MappingInvalid, match=r"odd\.toml: no TOML"):
        load_mapping(written(tmp_path, b"\xff\xfe", "odd.toml"))


def test_the_mapping_of_the_documentation_reads(tmp_path: Path) -> None:
    text = Path("docs/mapping.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in text.split("```toml\n")[1:]]
    assert blocks
    assert load_mapping(written(tmp_path, blocks[0], "documented.toml")).county_id == "KING"


def test_the_example_mapping_reads() -> None:
    mapping = load_mapping(Path("deploy/examples/king.toml"))
    assert mapping.columns["sale_id"] == ["id", "date"]
