"""The operations guide names only what exists."""

import re

import pytest
from typer.main import get_group

from deploy.cli import build
from tests.unit.operations.rules import ROOT

DOCUMENTS = ("operations.md", "runbook.md")


def text(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_that_are_named_exist(name: str) -> None:
    root = get_group(build())
    known = set(root.commands)
    named = set(re.findall(r"`(?:\.venv/bin/)?terrafusion ([a-z-]+)", text(name)))
    assert named
    assert named <= known


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_that_are_named_exist(name: str) -> None:
    named = re.findall(r"\b((?:deploy|tests|schemas|docs)/[\w/.-]*\w)", text(name)) + re.findall(
        r"\]\(([\w.-]+\.md)", text(name)
    )
    for path in named:
        assert (ROOT / path).exists() or (ROOT / "docs" / path).exists(), path


@pytest.mark.parametrize("name", DOCUMENTS)
def test_alerts_that_are_named_exist(name: str) -> None:
    rules = (ROOT / "deploy" / "prometheus" / "rules" / "alerts.yml").read_text(encoding="utf-8")
    for alert in re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", text(name)):
        if alert not in {"ScaledObject", "ProducerFenced", "NotEnoughReplicas", "RecordRefused"}:
            assert f"alert: {alert}" in rules, alert
