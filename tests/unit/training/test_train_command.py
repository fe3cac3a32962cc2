"""``terrafusion train`` from the outside: whatever a file holds, the last line says what became of it."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from processor.commands.train import train
from tests.unit.training.county import made_sales
from tests.unit.training.test_files_of_other_counties import COUNTY, Row, row_of

MAPPING = COUNTY.format(columns='latitude = "lat"\nlongitude = "lon"', numeric='["grade"]', categorical="[]")


@pytest.fixture
def rows() -> list[Row]:
    made = made_sales(150, seed=4)
    return [row_of(made, at) for at in range(len(made))]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.delenv("MODEL_STORE_URL", raising=False)
    return tmp_path


def _run(place: Path, rows: list[Row], *options: str, county: str = "OTHER", mapping: str = MAPPING) -> Any:
    file, map_file = place / "sales.csv", place / "sales.toml"
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    map_file.write_text(mapping, encoding="utf-8")
    app = typer.Typer()
    app.command()(train)
    arguments = ["--county", county, "--sales", str(file), "--mapping", str(map_file), "--json", *options]
    done = CliRunner().invoke(app, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, json.loads(done.stdout.splitlines()[-1])


def test_every_row_of_the_file_is_accounted_for(place: Path, rows: list[Row]) -> None:
    rows[3]["Price ($)"] = "0"
    rows[5]["Sale Date"] = "31/31/2099"
    rows[7]["Parcel No."] = ""
    rows[9]["Yr Built"] = "20112"
    rows.append(dict(rows[0]))
    status, told = _run(place, rows, "--html", str(place / "study.html"))
    assert status == 0
    assert (told["file"]["rows"], told["file"]["accepted"], told["file"]["rejected"]) == (151, 147, 4)
    problems = {(one["column"], one["effect"]): one["count"] for one in told["file"]["problem_counts"]}
    assert problems == {
        ("Price ($)", "row rejected"): 1,
        ("Sale Date", "row rejected"): 1,
        ("Parcel No.", "row rejected"): 1,
        ("sale_id", "row rejected"): 1,
        ("Yr Built", "value unknown"): 1,
    }
    assert told["sales"]["given"] == 147
    assert told["sales"]["trained_on"] + sum(told["sales"]["left_out"].values()) == 147
    assert told["studied"]["counted"] == told["study"]["n"]
    page = (place / "study.html").read_text(encoding="utf-8")
    assert "Forward ratio study of OTHER" in page
    assert page.count("<svg") == 4
    assert "By neighborhood" not in page or "Area 0" in page


def test_dates_in_a_form_that_nobody_named_are_said_to_be_the_reason(place: Path, rows: list[Row]) -> None:
    for row in rows:
        year, month, day = str(row["Sale Date"]).split("-")
        row["Sale Date"] = f"{month}/{day}/{year}"
    status, told = _run(place, rows)
    assert status == 1
    assert told["version"] is None
    assert told["published"] is False
    assert told["file"]["rejected"] == 150
    assert "150 rows 150 were rejected" in told["reasons"][0]
    assert "give its form under [dates]" in told["reasons"][0]
    assert {one["column"] for one in told["file"]["problem_counts"]} == {"Sale Date"}


def test_equal_prices_leave_nothing_to_learn(place: Path, rows: list[Row]) -> None:
    status, told = _run(place, [row | {"Price ($)": "100000"} for row in rows])
    assert status == 1
    assert told["reasons"] == ["all 150 usable sales have the price 100,000."]


@pytest.mark.parametrize(
    ("county", "mapping", "said"),
    [
        ("KING", MAPPING, "county_id is OTHER, not KING"),
        ("OTHER", MAPPING.replace("Lot Area", "Lot Aera"), "no column 'Lot Aera' - did you mean 'Lot Area'?"),
        ("OTHER", MAPPING + "[saless]\n", "unknown key"),
        ("\n", MAPPING, "county"),
    ],
)
def test_what_cannot_be_read_is_said_in_json_too(
    place: Path, rows: list[Row], county: str, mapping: str, said: str
) -> None:
    status, told = _run(place, rows, county=county, mapping=mapping)
    assert status == 1
    assert told["published"] is False
    assert said in told["reasons"][0]
    assert told["file"] is None
