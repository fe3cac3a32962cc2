"""The dashboards that Grafana is given are those of the code, and every query of theirs can be answered."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from deploy.grafana import __main__ as dashboards
from tests.unit.operations.rules import recordings

FILES = sorted(dashboards.DIRECTORY.glob("*.json"))
LABELLED_ONLY_WITH_EVENTS = ("valuation_jobs_failed_total", "valuation_transaction_aborts_total")


def panels(path: Path) -> list[dict[str, Any]]:
    """Return the panels of a dashboard that ask for something."""
    return [panel for panel in json.loads(path.read_text(encoding="utf-8"))["panels"] if panel["type"] != "row"]


def test_the_files_are_what_the_code_makes() -> None:
    assert dashboards.stale() == []


def test_a_file_that_is_not_the_codes_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboards, "DIRECTORY", tmp_path)
    assert dashboards.main(["--check"]) == 1
    assert dashboards.main([]) == 0
    assert dashboards.main(["--check"]) == 0
    (tmp_path / "forgotten.json").write_text("{}")
    assert dashboards.stale() == [tmp_path / "forgotten.json"]


def test_every_dashboard_has_a_name_of_its_own() -> None:
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in FILES]
    assert len({document["uid"] for document in documents}) == len(FILES) == 4
    assert all(document["title"].startswith("TerraFusion Sync") for document in documents)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_panel_says_what_it_shows_and_asks_for_it(path: Path) -> None:
    for panel in panels(path):
        assert panel["description"]
        assert panel["targets"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_recorded_series_that_a_panel_asks_for_are_recorded(path: Path) -> None:
    recorded = {rule["record"] for rule in recordings()}
    for panel in panels(path):
        for target in panel["targets"]:
            assert set(re.findall(r"[a-z_]+:[a-z_]+:[a-z0-9_]+", target["expr"])) <= recorded


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_never_happened_is_shown_as_nought_and_not_as_nothing(path: Path) -> None:
    for panel in panels(path):
        for target in panel["targets"]:
            if any(metric in target["expr"] for metric in LABELLED_ONLY_WITH_EVENTS):
                assert target["expr"].endswith("or vector(0)")
