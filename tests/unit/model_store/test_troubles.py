"""A model that cannot be had shows in the metrics and in readiness, and stops nobody."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from processor.health import Health
from processor.metrics import ProcessorMetrics


def health(troubles: Mapping[str, str], *, joined: bool = True) -> Health:
    membership: Any = SimpleNamespace(joined=joined, why="no broker", lanes=())
    lag: Any = SimpleNamespace(answered=0.0, stalled_seconds=0.0)
    return Health(membership, lag, lambda: True, 60.0, now=lambda: 0.0, troubles=lambda: troubles)


def test_a_model_that_cannot_be_had_degrades_a_worker_and_does_not_make_it_unready() -> None:
    worker = health({"KING": "unreachable", "BENTON": "damaged"})
    assert worker.unready() == []
    assert worker.degraded() == [
        "the announced model of BENTON is damaged",
        "the announced model of KING is unreachable",
    ]
    assert health({}).degraded() == []


def test_each_announced_model_has_a_series_for_each_reason() -> None:
    metrics = ProcessorMetrics("0")
    metrics.show_troubles(["KING", "BENTON"], {"KING": "unreachable"}, store_reachable=False)
    found = {
        (sample.labels["county_id"], sample.labels["reason"]): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "valuation_model_unavailable"
    }
    assert len(found) == 6
    assert [series for series, value in found.items() if value] == [("KING", "unreachable")]
    assert metrics.registry.get_sample_value("valuation_model_store_reachable") == 0
    metrics.show_troubles(["KING"], {}, store_reachable=True)
    assert (
        metrics.registry.get_sample_value("valuation_model_unavailable", {"county_id": "KING", "reason": "unreachable"})
        == 0
    )
    assert metrics.registry.get_sample_value("valuation_model_store_reachable") == 1
