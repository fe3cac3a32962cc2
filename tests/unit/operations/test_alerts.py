"""Every alert leads to what to do about it, is tried both ways, and asks for what the code means."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from processor.metrics import ProcessorMetrics
from processor.ratio_study.standard import LIMITS
from schemas.topics import topics
from tests.unit.operations.rules import ROOT, alerts, recordings

STORIES = ROOT / "tests" / "operations" / "rules"
ALERTS = {alert["alert"]: alert for alert in alerts()}


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as the hosts of repositories make them."""
    found = re.findall(r"^#+ +(.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


def section(name: str) -> str:
    """Return the runbook's section of an alert."""
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    return re.split(r"^##", runbook.partition(f"\n### {name}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_urgent_it_is_and_where_its_runbook_stands(name: str) -> None:
    alert: dict[str, Any] = ALERTS[name]
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert {"summary", "description", "runbook_url"} <= alert["annotations"].keys()
    path, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert anchor in anchors(ROOT / path)
    assert anchor == name.lower()


@pytest.mark.parametrize("name", ALERTS)
def test_the_runbook_says_what_an_alert_means_and_what_to_do(name: str) -> None:
    assert "**Means**" in section(name)
    assert "**Do**" in section(name)


def test_the_runbook_has_no_section_for_an_alert_that_is_gone() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^### (.+)$", runbook, re.MULTILINE)) == ALERTS.keys()


def test_each_alert_is_tried_where_it_fires_and_where_it_stays_silent() -> None:
    stories = [
        story["name"]
        for file in STORIES.glob("*.yml")
        for story in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]
    ]
    for name in ALERTS:
        assert any(story.startswith(f"{name} fires") for story in stories)
        assert any(story.startswith(f"{name} stays silent") for story in stories)


def test_alerts_ask_only_for_recorded_series_and_whether_targets_are_up() -> None:
    recorded = {rule["record"] for rule in recordings()}
    for alert in ALERTS.values():
        asked = set(re.findall(r"[a-z_]+(?::[a-z_]+:[a-z0-9_]+)", alert["expr"]))
        assert asked <= recorded
        assert asked or "up{" in alert["expr"]


def test_the_partitions_to_be_served_are_those_of_the_topics_table() -> None:
    assert f"< {topics().requests.partitions}" in ALERTS["PartitionsUnserved"]["expr"]


def test_the_bounds_of_the_ratio_study_are_those_of_the_standard() -> None:
    found = re.findall(r'statistic="(\w+)"} ([<>]) (-?[\d.]+)', ALERTS["RatioStudyOutOfBounds"]["expr"])
    bounds = {(name, side): float(value) for name, side, value in found}
    limits = {limit.statistic: limit for limit in LIMITS}
    assert {name for name, _ in bounds} == limits.keys() - {"vei"}  # it is judged by its significance too
    for (name, side), value in bounds.items():
        assert value == (limits[name].low if side == "<" else limits[name].high)


def test_late_is_a_bucket_of_the_end_to_end_time() -> None:
    buckets = {
        sample.labels["le"]
        for family in ProcessorMetrics("0").jobs.collect()
        if family.name == "valuation_end_to_end_seconds"
        for sample in family.samples
        if sample.name.endswith("_bucket")
    }
    asked = {bound for rule in recordings() for bound in re.findall(r'le="([^"]+)"', rule["expr"])}
    assert asked == {"60.0"}
    assert asked <= buckets
