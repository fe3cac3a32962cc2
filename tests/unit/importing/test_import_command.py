import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from producer.commands import import_app

MAPPING = """
county_id = "KING"
[columns]
property_id = "id"
sale_id = "deed"
sale_date = "date"
sale_price = "price"
bedrooms = "beds"
"""
ROWS = ["1,a,2026-01-01,1000,3", "2,b,soon,1000,3", "3,c,2026-01-01,2000,many", "1,d,2026-02-01,3000,4"]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    (tmp_path / "map.toml").write_text(MAPPING)
    (tmp_path / "sales.csv").write_text("\n".join(["id,deed,date,price,beds", *ROWS]) + "\n")
    return tmp_path


def run(files: Path, kind: str, *options: str, file: str = "sales.csv") -> tuple[int, dict[str, Any]]:
    arguments = [kind, str(files / file), "--mapping", str(files / "map.toml"), "--json", *options]
    result = CliRunner().invoke(import_app, arguments)
    return result.exit_code, json.loads(result.stdout.splitlines()[-1])


def test_a_dry_run_reports_and_publishes_nothing(files: Path) -> None:
    code, summary = run(files, "sales", "--dry-run")
    assert code == 0
    assert summary["county_id"] == "KING"
    assert (summary["rows"], summary["accepted"], summary["published"], summary["rejected"]) == (4, 3, 0, 1)
    assert [(each["line"], each["column"], each["value"]) for each in summary["problems"]] == [
        (3, "date", "soon"),
        (4, "beds", "many"),
    ]


def test_the_report_holds_every_problem(files: Path) -> None:
    _, summary = run(files, "sales", "--dry-run")
    with Path(summary["report"]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["line"], row["effect"]) for row in rows] == [("3", "row rejected"), ("4", "value unknown")]
    _, summary = run(files, "sales", "--dry-run", "--report", str(files / "report.jsonl"))
    lines = [json.loads(line) for line in (files / "report.jsonl").read_text().splitlines()]
    assert summary["report"] == str(files / "report.jsonl")
    assert [line["reason"] for line in lines][1] == "no number"


def test_a_clean_file_leaves_no_report(files: Path) -> None:
    (files / "clean.csv").write_text("id,deed,date,price,beds\n" + ROWS[0] + "\n")
    code, summary = run(files, "sales", "--dry-run", file="clean.csv")
    assert code == 0
    assert summary["report"] is None
    assert not (files / "data").exists()


def test_properties_of_a_sales_file_come_once_each(files: Path) -> None:
    code, summary = run(files, "properties", "--dry-run")
    assert code == 0
    assert (summary["rows"], summary["accepted"], summary["superseded"], summary["rejected"]) == (4, 3, 1, 0)


@pytest.mark.parametrize(
    ("file", "text"),
    [("absent.csv", None), ("empty.csv", ""), ("other.csv", "id,deed,dates,price,beds\n"), ("map.toml", "columns = 3")],
)
def test_unusable_input_ends_with_2_and_a_message(files: Path, file: str, text: str | None) -> None:
    if text is not None:
        (files / file).write_text(text)
    code, summary = run(files, "sales", "--dry-run", file=file)
    assert code == 2
    assert summary["error"]


def test_a_cluster_that_is_away_ends_with_1_and_a_message(files: Path) -> None:
    code, summary = run(files, "sales")
    assert code == 1
    assert "cannot publish to property.sales at 127.0.0.1:1" in summary["error"]


def test_people_get_words(files: Path) -> None:
    arguments = ["sales", str(files / "sales.csv"), "--mapping", str(files / "map.toml"), "--dry-run"]
    result = CliRunner().invoke(import_app, arguments)
    assert result.exit_code == 0
    assert "KING: 4 rows, 3 sales would be published, 1 rows rejected" in result.stdout
    assert "line 3: date 'soon': no ISO 8601 date" in result.stdout


def test_rows_that_were_lost_come_before_values_in_the_summary(files: Path) -> None:
    rows = [f"{n},s{n},2026-01-01,{1000 + n},{4 if n % 5 else 'many'}" for n in range(2000)] + ["x,y,soon,1000,3"]
    (files / "many.csv").write_text("\n".join(["id,deed,date,price,beds", "0,first,2026-01-01,5,4", *rows]) + "\n")
    _, summary = run(files, "sales", "--dry-run", file="many.csv")
    assert summary["rejected"] == 1
    assert summary["problems"][0]["line"] == 2003
    assert len(summary["problems"]) == 20
    assert {"column": "date", "effect": "row rejected", "count": 1} in summary["problem_counts"]


def test_a_file_of_which_nothing_came_through_says_so(files: Path) -> None:
    (files / "lost.csv").write_text("id,deed,date,price,beds\n1,a,soon,1000,3\n")
    code, summary = run(files, "sales", "--dry-run", file="lost.csv")
    assert code == 0
    assert summary["notes"] == ["no row came through"]
