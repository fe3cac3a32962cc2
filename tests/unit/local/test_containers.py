"""The files for containers agree with the code: there is no engine here to try them on."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.configuration import variables
from processor.metrics import ProcessorMetrics

ROOT = Path(__file__).parents[3]
PROJECT = ("schemas", "producer", "processor", "deploy")
FOUR = {
    "valuation_jobs_submitted_total",
    "valuation_jobs_completed_total",
    "valuation_jobs_failed_total",
    "valuation_processing_duration_seconds",
}


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def composition() -> dict[str, Any]:
    found: dict[str, Any] = load("docker-compose.yml")
    return found


@pytest.fixture(scope="module")
def expressions() -> list[str]:
    dashboard = json.loads((ROOT / "deploy/grafana/dashboards/valuations.json").read_text(encoding="utf-8"))
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def known_metrics() -> set[str]:
    """Return the names of all time series that a worker offers."""
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    families = ProcessorMetrics("0").registry.collect()
    return {f"{family.name}{suffix}" for family in families for suffix in suffixes.get(family.type, ("",))}


def test_the_system_is_whole(composition: dict[str, Any]) -> None:
    assert {"kafka", "topics", "gateway", "processor", "prometheus", "grafana"} <= set(composition["services"])


def test_images_of_others_are_pinned_by_version(composition: dict[str, Any]) -> None:
    for service in composition["services"].values():
        if "build" not in service:
            assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])
    assert composition["services"]["kafka"]["image"] == "apache/kafka:4.3.1"


def test_every_port_is_published_on_this_machine_only(composition: dict[str, Any]) -> None:
    ports = [port for service in composition["services"].values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert {"127.0.0.1:8000:8000", "127.0.0.1:8001:8001"} <= set(ports)


def test_our_containers_are_given_only_variables_that_the_code_reads(composition: dict[str, Any]) -> None:
    ours = [service for service in composition["services"].values() if "build" in service]
    given = {name for service in ours for name in service["environment"]}
    image = (ROOT / "deploy/docker/Dockerfile").read_text(encoding="utf-8")
    given |= set(re.findall(r"^(?:ENV|   ) (\w+)=", image, re.MULTILINE))
    assert len(ours) == 4
    others = {"PATH", "PYTHONUNBUFFERED", "NUMBA_CACHE_DIR", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_NO_CACHE_DIR"}
    assert {name for name in given - others if not name.startswith("OTEL_")} <= set(variables())


def test_our_containers_may_write_nowhere_but_to_their_data(composition: dict[str, Any]) -> None:
    for service in composition["services"].values():
        if "build" in service:
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]


def test_mounted_files_exist(composition: dict[str, Any]) -> None:
    mounts = [mount for service in composition["services"].values() for mount in service.get("volumes", ())]
    places = [mount.split(":")[0] for mount in mounts]
    assert all((ROOT / place).exists() for place in places if place.startswith("."))
    assert {place for place in places if not place.startswith(".")} <= set(composition["volumes"])


def test_the_image_holds_every_package_and_runs_as_nobody_special() -> None:
    text = (ROOT / "deploy/docker/Dockerfile").read_text(encoding="utf-8")
    ignored = (ROOT / "deploy/docker/Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for package in PROJECT:
        assert f"COPY {package} {package}" in text
        assert f"!{package}" in ignored
    assert "--require-hashes --requirement requirements.lock" in text
    users = re.findall(r"^USER (\S+)", text, re.MULTILINE)
    assert users == ["10001:10001"]


def test_prometheus_asks_every_process_where_it_listens(composition: dict[str, Any]) -> None:
    for job in load("deploy/prometheus/prometheus.yml")["scrape_configs"]:
        [discovery] = job["dns_sd_configs"]
        [name] = discovery["names"]
        assert any(port.endswith(f":{discovery['port']}") for port in composition["services"][name]["ports"])


def test_the_dashboard_shows_the_four_metrics_and_knows_no_others(expressions: list[str]) -> None:
    named = {name for expression in expressions for name in re.findall(r"\b(?:valuation|gateway)_\w+", expression)}
    assert named <= known_metrics()
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in named} == FOUR


def test_the_dashboard_groups_by_labels_that_exist(expressions: list[str]) -> None:
    labels = {label for expression in expressions for label in re.findall(r"by \((\w+)\)", expression)}
    assert labels == {"county_id", "failure_reason", "le"}


def test_the_dashboard_reads_from_the_source_that_is_provisioned() -> None:
    [source] = load("deploy/grafana/provisioning/datasources/prometheus.yml")["datasources"]
    text = (ROOT / "deploy/grafana/dashboards/valuations.json").read_text(encoding="utf-8")
    assert set(re.findall(r'"uid": "(\w+)"', text)) - {"terrafusion-valuations"} == {source["uid"]}


def test_the_dashboard_is_where_grafana_looks(composition: dict[str, Any]) -> None:
    [provider] = load("deploy/grafana/provisioning/dashboards/valuations.yml")["providers"]
    mounted = [mount.split(":")[1] for mount in composition["services"]["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounted
