"""A real Prometheus on the running system answers every rule and every query of every dashboard."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from deploy.grafana.__main__ import DIRECTORY
from tests.acceptance.client import Client, Order
from tests.acceptance.system import System
from tests.operations.prometheus import Prometheus, scraping
from tests.unit.operations.rules import alerts, recordings
from tests.waiting import came_true, until

_SETTLE_SECONDS: Final = 60.0
_VARIABLES: Final = {"$__rate_interval": "5m", "$__range": "30m", "$county": ".*"}
_OWN: Final = r"\b(?:valuation|gateway|process)_\w+"
_RECORDED: Final = r"[a-z_]+:[a-z_]+:[a-z0-9_]+"
RECORDINGS: Final = sorted({rule["record"] for rule in recordings()})
ALERTS: Final = {rule["alert"]: rule["expr"] for rule in alerts()}


def _queries() -> dict[str, str]:
    found = {}
    for path in sorted(DIRECTORY.glob("*.json")):
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for panel in document["panels"]:
            for target in panel.get("targets", ()):
                expression = target["expr"]
                for name, value in _VARIABLES.items():
                    expression = expression.replace(name, value)
                found[f"{path.stem}: {panel['title']} {target['refId']}"] = expression
    return found


QUERIES: Final = _queries()


@pytest.fixture(scope="module")
def prometheus(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus on the system, which has had something to do before a scrape and after it."""
    system.wait_until_ready()
    record = system.record
    targets = {"gateway": [record.gateway_url], "processor": record.processor_urls}
    with scraping(tmp_path_factory.mktemp("prometheus"), targets) as started:
        until(lambda: len(started.query("up == 1")) == len(record.processor_urls) + 1)
        _keep_busy(system.client)
        until(lambda: started.query("valuation_jobs_failed_total"), _SETTLE_SECONDS)
        _keep_busy(system.client)
        wanted = ('county_reason:valuation_failures:ratio_rate10m{failure_reason!=""}', *RECORDINGS, *QUERIES.values())
        came_true(lambda: all(started.query(each) for each in wanted), _SETTLE_SECONDS)
        yield started


def _keep_busy(client: Client) -> None:
    """Have a job completed, one failed, and a record refused."""
    assert client.value("PROP123")["status"] == "COMPLETED"
    assert client.value("PROP_FAIL_SIMULATION")["failure_reason"] == "simulated_processing_error"
    [position] = client.publish(Order(b"not a request"))
    client.dead_letter(position)


@pytest.mark.parametrize("record", RECORDINGS)
def test_a_recording_rule_has_an_answer(prometheus: Prometheus, record: str) -> None:
    assert prometheus.query(record)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_something_to_judge(prometheus: Prometheus, alert: str) -> None:
    judged = re.sub(r" (==|>|<) ", r" \1 bool ", ALERTS[alert])
    assert prometheus.query(judged)


@pytest.mark.parametrize("query", QUERIES)
def test_a_panel_has_something_to_show(prometheus: Prometheus, query: str) -> None:
    assert prometheus.query(QUERIES[query])


def test_every_metric_and_label_in_use_exists(prometheus: Prometheus) -> None:
    for expression in (*QUERIES.values(), *ALERTS.values(), *(rule["expr"] for rule in recordings())):
        metrics = set(re.findall(_RECORDED, expression)) | set(re.findall(_OWN, re.sub(_RECORDED, "", expression)))
        if not metrics:
            continue  # made by Prometheus itself: up, ALERTS
        series = {metric: prometheus.series(metric) for metric in metrics}
        assert all(series.values()), [metric for metric, found in series.items() if not found]
        labels = {label for found in series.values() for each in found for label in each}
        assert _labels(expression) <= labels, expression


def _labels(expression: str) -> set[str]:
    grouped = [names.split(",") for names in re.findall(r"(?:by|on) \(([^)]*)\)", expression)]
    matched = [re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector) for selector in re.findall(r"{([^}]*)}", expression)]
    return {name.strip() for names in (*grouped, *matched) for name in names}


def test_a_healthy_system_raises_no_alarm_and_dead_letters_are_noticed(prometheus: Prometheus) -> None:
    until(lambda: prometheus.alerts()["DeadLetters"] == "firing", _SETTLE_SECONDS)
    quiet = {"TargetDown", "PartitionsUnserved", "NoProgress", "LaneStopped", "LaneWaits", "JobViewLags", "ModelStale"}
    states = prometheus.alerts()
    assert {name for name in quiet if states[name] != "inactive"} == set()
