"""The rules that Prometheus is given, read as they are."""

from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[3]
RULES: Final = ROOT / "deploy" / "prometheus" / "rules"


def rules(name: str) -> list[dict[str, Any]]:
    """Return the rules of one file."""
    document = yaml.safe_load((RULES / name).read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    """Return every alert."""
    return rules("alerts.yml")


def recordings() -> list[dict[str, Any]]:
    """Return every recording rule."""
    return rules("recording.yml")
