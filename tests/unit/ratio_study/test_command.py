import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from processor.commands.ratio_study import ratio_study


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(ratio_study)
    return app


def run(app: typer.Typer, *arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def written(path: Path, text: str) -> str:
    file = path / "sales.csv"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_the_study_is_one_json_object_with_strata(app: typer.Typer, tmp_path: Path) -> None:
    rows = "".join(f"{200_000 + 1_000 * i},{195_000 + 1_000 * i},{'north' if i % 2 else 'south'}\n" for i in range(80))
    result = run(app, written(tmp_path, "sale_price,estimate,area\n" + rows), "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["n"] == 80
    assert found["strata"]["area"]["north"]["n"] == 40
    assert found["trimmed"]["trimmed"] == 80 - found["trimmed"]["n"]
    assert found["coverage_90"] is None


def test_rows_that_cannot_be_studied_are_reported_with_their_lines(app: typer.Typer, tmp_path: Path) -> None:
    text = "\ufeffsale_price, estimate\n350000, 336000\n0,1\n-4,1\n,5\n8,abc\n9,nan\n425000,408000\n"
    result = run(app, written(tmp_path, text), "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["n"] == 2
    assert [row["line"] for row in found["rejected"]] == [3, 4, 5, 6, 7]
    assert "line 6 left out: estimate is 'abc', not a number" in result.stderr


def test_the_bounds_of_the_interval_give_its_coverage(app: typer.Typer, tmp_path: Path) -> None:
    text = "estimate,sale_price,value_low,value_high\n100,100,90,110\n100,100,101,110\n100,100,,110\n"
    found = json.loads(run(app, written(tmp_path, text), "--json").stdout)
    assert found["coverage_90"] == 50
    assert list(found["strata"]) == ["value_decile"]


def test_people_get_a_table(app: typer.Typer, tmp_path: Path) -> None:
    result = run(app, written(tmp_path, "sale_price,estimate\n350000,336000\n425000,408000\n"))
    assert result.exit_code == 0
    assert "COD" in result.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("price,estimate\n1,2\n", "no column sale_price"),
        ("", "has no header"),
        ("sale_price,estimate\n", "no row has a positive price"),
        ("sale_price,estimate\n0,0\n", "1 rejected"),
    ],
)
def test_a_file_without_sales_is_an_error_that_says_why(
    app: typer.Typer, tmp_path: Path, text: str, message: str
) -> None:
    result = run(app, written(tmp_path, text), "--json")
    assert result.exit_code == 1
    assert message in result.stderr
    assert not result.stdout


def test_a_missing_file_is_an_error_that_names_it(app: typer.Typer, tmp_path: Path) -> None:
    result = run(app, str(tmp_path / "absent.csv"))
    assert result.exit_code == 1
    assert "absent.csv" in result.stderr


def test_a_file_that_is_no_text_is_an_error(app: typer.Typer, tmp_path: Path) -> None:
    file = tmp_path / "binary.csv"
    file.write_bytes(b"\xff\xfe\x00sale_price\x00")
    result = run(app, str(file))
    assert result.exit_code == 1
    assert "binary.csv: no column sale_price" in result.stderr


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_of_spreadsheets_are_read(app: typer.Typer, tmp_path: Path, encoding: str, end: str) -> None:
    lines = ["Straße;sale_price;estimate", '"am\nHügel";"$350,000";336000', "Weg;425 000;408000.00", "Weg;1;2;3"]
    file = tmp_path / "sales.csv"
    file.write_bytes(end.join(lines).encode(encoding))
    result = run(app, str(file), "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["n"], found["median_ratio"]) == (2, 0.96)
    assert found["strata"]["Straße"] == {}
    assert [row["line"] for row in found["rejected"]] == [5]
