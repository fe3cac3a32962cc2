"""The worker's web view: what the contract names, and nothing of Faust's own."""

from pathlib import Path
from urllib.request import urlopen

import pytest

from schemas.topics import Topics
from tests.integration.processor.workers import worker
from tests.waiting import until


def test_only_metrics_and_health_are_served(kafka: str, own_topics: Topics, tmp_path: Path) -> None:
    with worker(kafka, own_topics, tmp_path) as one:
        one.wait_ready()
        assert one.get("/livez")[0] == 200
        for path in ("/", "/table", "/table/", "/router", "/router/", "/graph", "/stats", "/performance", "/metrics/"):
            assert one.get(path)[0] == 404, path
        with urlopen(f"http://127.0.0.1:{one.port}/metrics") as answer:
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_worker_without_kafka_is_alive_but_not_ready(path: str, tmp_path: Path, own_topics: Topics) -> None:
    with worker("127.0.0.1:1", own_topics, tmp_path) as one:
        until(lambda: one.get(path)[0] == {"/livez": 200, "/readyz": 503}[path], 30)
