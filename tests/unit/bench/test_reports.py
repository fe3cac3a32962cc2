"""Reports of benchmarks: what was measured earlier is kept only where it may stand beside what is measured now."""

from pathlib import Path

import orjson
import pytest

from bench import document
from bench.report import Report

_ORDER = ("one", "other")


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let reports be written to a directory of the test's own."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    return tmp_path / "reports"


def _saved(directory: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = orjson.loads((directory / "bench-peers.json").read_bytes())["rows"]
    return rows


def test_rows_of_what_was_not_measured_this_time_are_kept_in_the_order_of_the_table(directory: Path) -> None:
    Report("peers", {"requests": 5}, [{"what": "other", "rate": 1}]).save(_ORDER)
    Report("peers", {"requests": 5}, [{"what": "one", "rate": 2}]).save(_ORDER)
    assert _saved(directory) == [{"what": "one", "rate": 2}, {"what": "other", "rate": 1}]


def test_what_is_measured_again_replaces_its_earlier_rows(directory: Path) -> None:
    Report("peers", {}, [{"what": "one", "rate": 1}, {"what": "one", "rate": 2}]).save(_ORDER)
    report = Report("peers", {})
    report.save(_ORDER)
    report.rows.append({"what": "one", "rate": 3})
    report.save(_ORDER)
    assert _saved(directory) == [{"what": "one", "rate": 3}]


def test_rows_measured_under_other_conditions_are_not_mixed_with_new_ones(directory: Path) -> None:
    Report("peers", {"requests": 5}, [{"what": "other", "rate": 1}]).save(_ORDER)
    Report("peers", {"requests": 6}, [{"what": "one", "rate": 2}]).save(_ORDER)
    assert _saved(directory) == [{"what": "one", "rate": 2}]


def test_publishing_replaces_the_tables_of_the_document_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(
        "before\n<!-- tables: made by python -m bench peers --publish -->\nold\n<!-- end of tables -->\nafter\n"
    )
    monkeypatch.setattr(document, "DOCUMENT", page)
    document.publish(Report("peers", {}, [{"what": "one", "requests/s": 121_000.4}]))
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| one | 121,000.4 |" in text
    assert "old" not in text
