"""The Helm chart, rendered for tests."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from deploy.errors import JarsUnavailable
from deploy.local.jars import class_path, read_lock

CHART: Final = Path(__file__).parents[2] / "deploy" / "helm" / "terrafusion"
_STRIMZI: Final = Path(__file__).parent / "strimzi"
_OPERATORS: Final = Path(__file__).parents[2] / ".local" / "operators"
_BUILT: Final = Path(__file__).parents[2] / ".local" / "bin" / "helm"
KUBERNETES: Final = "1.33"

LEAST: Final[Mapping[str, Any]] = {
    "gateway": {"jobStoreSecret": "jobs", "apiKeysSecret": "keys"},
    "processor": {"modelStore": {"existingClaim": "models"}},
}
"""What a release must be told."""

ALL: Final[Mapping[str, Any]] = {
    **LEAST,
    "autoscaling": {"enabled": True},
    "monitoring": {"enabled": True, "dashboards": True},
    "telemetry": {"otlpEndpoint": "http://collector:4318"},
    "networkPolicy": {"egress": [{"ports": [{"port": 5432, "protocol": "TCP"}]}]},
    "priorityClassName": "important",
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "valuations", "operator": "Exists"}],
}
"""A release with everything on."""


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run helm; skip the test where there is none."""
    found = shutil.which("helm") or (str(_BUILT) if _BUILT.exists() else None)
    if found is None:
        pytest.skip("helm is missing: .ci/helm puts it into .local/bin, in seconds")
    quiet = os.environ | {"HELM_CACHE_HOME": os.devnull, "HELM_NO_PLUGINS": "1"}
    return subprocess.run([found, *arguments], capture_output=True, text=True, timeout=120, check=False, env=quiet)


def rendered(directory: Path, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the resources of a release named ``county``."""
    done = template(directory, values)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def refusal(directory: Path, values: Mapping[str, Any]) -> str:
    """Return why a release is refused."""
    done = template(directory, values)
    assert done.returncode != 0
    return done.stderr


def template(directory: Path, values: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    """Render the chart."""
    path = directory / "values.yaml"
    path.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
    return helm("template", "county", CHART, "--kube-version", f"{KUBERNETES}.0", "--values", path)


def refused(resources: list[dict[str, Any]]) -> dict[str, str]:
    """Return the custom resources that their operators would not take as they are, and why; skip without schemas.

    A process of its own asks: the package with the schemas brings a plug-in along that pytest must not find.
    """
    if not _OPERATORS.exists():
        pytest.skip("the operators' schemas are missing: .ci/helm puts them into .local/operators, in seconds")
    done = subprocess.run(
        [sys.executable, "-m", "tests.operations.operators"],
        input=json.dumps(resources),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=CHART.parents[2],
        env=os.environ | {"PYTHONPATH": str(_OPERATORS)},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def refused_by_strimzi(resources: list[dict[str, Any]]) -> dict[str, str]:
    """Return the topics and users that Strimzi's own classes do not take, and why; skip without a Java compiler."""
    java = shutil.which("java")
    if java is None or shutil.which("javac") is None:
        pytest.skip("a Java compiler is missing: Strimzi's classes are asked by a program in Java")
    try:
        jars = class_path(read_lock(_STRIMZI / "jars.lock"))
    except JarsUnavailable as wrong:
        pytest.skip(f"Strimzi's classes are missing: {wrong}")
    done = subprocess.run(
        [java, "-cp", os.pathsep.join(map(str, jars)), _STRIMZI / "Judge.java"],
        input=json.dumps(resources),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def of(resources: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """Return the resources of a kind by their names."""
    return {each["metadata"]["name"]: each for each in resources if each["kind"] == kind}
