"""A real Prometheus for tests: it scrapes what it is told, and computes the project's rules, every second."""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import yaml

from deploy.local.ports import free_ports
from tests.acceptance.client import fetch
from tests.operations.debian import program
from tests.unit.operations.rules import RULES
from tests.waiting import until

_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that an expression has now; fail when it is no valid one."""
        return self._get("query", {"query": expression})

    def series(self, metric: str) -> list[dict[str, str]]:
        """Return the label sets of a metric."""
        return self._get("series", {"match[]": metric})

    def alerts(self) -> dict[str, str]:
        """Return the state of every alert of the rules: inactive, pending or firing."""
        answer = fetch("GET", f"{self.url}/api/v1/rules?type=alert").json()
        return {rule["name"]: rule["state"] for group in answer["data"]["groups"] for rule in group["rules"]}

    def _get(self, what: str, parameters: Mapping[str, str]) -> list[Any]:
        answer = fetch("GET", f"{self.url}/api/v1/{what}?{urlencode(parameters)}").json()
        assert answer["status"] == "success", (parameters, answer.get("error"))
        data = answer["data"]
        found: list[Any] = data["result"] if isinstance(data, dict) else data
        return found


@contextmanager
def scraping(directory: Path, targets: Mapping[str, Sequence[str]]) -> Iterator[Prometheus]:
    """Run Prometheus on the addresses of each job; skip the test where it is not installed."""
    binary = program("prometheus", "prometheus")
    configuration = _configuration(directory, targets)
    [port] = free_ports(1)
    with (directory / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                binary,
                f"--config.file={configuration}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        started = Prometheus(f"http://127.0.0.1:{port}")
        until(lambda: _ready(started.url), _START_SECONDS)
        yield started
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _configuration(directory: Path, targets: Mapping[str, Sequence[str]]) -> Path:
    """Write the project's configuration for other targets and for people in a hurry."""
    for path in RULES.glob("*.yml"):
        hurried = re.sub(r"^( +interval:) \w+$", r"\1 1s", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        (directory / path.name).write_text(hurried, encoding="utf-8")
    scrapes = [
        {"job_name": job, "static_configs": [{"targets": [urlsplit(url).netloc for url in urls]}]}
        for job, urls in targets.items()
    ]
    document = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(directory / path.name) for path in RULES.glob("*.yml")],
        "scrape_configs": scrapes,
    }
    configuration = directory / "prometheus.yml"
    configuration.write_text(yaml.safe_dump(document), encoding="utf-8")
    return configuration


def _ready(url: str) -> bool:
    try:
        return fetch("GET", f"{url}/-/ready").status == 200
    except OSError:
        return False
