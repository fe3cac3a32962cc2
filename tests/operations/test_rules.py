"""The rules do what they say, told by Prometheus' own tool on made-up series."""

import subprocess
from pathlib import Path

import pytest

from tests.operations.debian import program

ROOT = Path(__file__).parents[2]
STORIES = sorted((Path(__file__).parent / "rules").glob("*.yml"))


def promtool(*arguments: str | Path) -> None:
    """Run promtool; fail with what it says."""
    tool = program("promtool", "prometheus")
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_configuration_and_rules_are_valid() -> None:
    promtool("check", "config", "--lint-fatal", ROOT / "deploy" / "prometheus" / "prometheus.yml")


@pytest.mark.parametrize("stories", STORIES, ids=lambda path: path.stem)
def test_alerts_fire_and_stay_silent_as_told(stories: Path) -> None:
    promtool("test", "rules", stories)
