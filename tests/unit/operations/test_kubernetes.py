"""The chart knows the topics as they are, without Helm at hand."""

import json
from pathlib import Path

import pytest
import yaml

from deploy import kubernetes
from schemas.topics import topics
from tests.unit.operations.rules import ROOT, RULES

CHART = ROOT / "deploy" / "helm" / "terrafusion"


def test_the_charts_topics_are_current() -> None:
    assert kubernetes.main(["--check"]) == 0


def test_a_stale_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes, "FILE", tmp_path / "topics.json")
    assert kubernetes.main(["--check"]) == 1
    assert kubernetes.main([]) == 0
    assert kubernetes.main(["--check"]) == 0


def test_every_topic_is_written_by_somebody_and_read_by_somebody() -> None:
    acls = [acl for user in kubernetes.document()["users"] for acl in user["acls"]]
    for topic in topics(kubernetes.PREFIX):
        rights = {right for acl in acls if acl["resource"]["name"] == topic.name for right in acl["operations"]}
        assert {"Read", "Write"} <= rights


def test_workers_are_bounded_by_the_partitions() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))["properties"]
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    partitions = topics().requests.partitions
    assert schema["processor"]["properties"]["replicas"]["maximum"] == partitions
    assert schema["autoscaling"]["properties"]["maxReplicas"]["maximum"] == partitions
    assert values["autoscaling"]["maxReplicas"] == partitions
    assert values.keys() <= schema.keys()


def test_the_chart_ships_the_repositorys_rules_and_dashboards() -> None:
    files = CHART / "files"
    assert (files / "rules").resolve() == RULES
    assert (files / "dashboards").resolve() == ROOT / "deploy" / "grafana" / "dashboards"
