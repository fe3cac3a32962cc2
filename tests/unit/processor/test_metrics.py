"""The metrics say exactly what the contract says, and agree with each other at any scrape."""

from collections import Counter

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from processor.appraisal import figures
from processor.batch import Outcomes
from processor.lanes.lane import LaneState
from processor.metrics import Distribution, ProcessorMetrics


def _outcomes(completed: int, failed: int, seconds: float = 0.02) -> Outcomes:
    jobs = completed + failed
    return Outcomes(
        records=jobs + 2,
        results=[],
        dead_letters=[b""],
        dead_positions=[0],
        tally=Counter({("BENTON", None): completed, ("BENTON", "property_not_found"): failed}),
        durations=[("BENTON", seconds, jobs)],
        created_ms=[1_000] * jobs,
        duplicates=1,
    )


def _scraped(metrics: ProcessorMetrics) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(generate_latest(metrics.registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_names_labels_and_help_texts_are_those_of_the_contract() -> None:
    metrics = ProcessorMetrics("1.0")
    metrics.count([_outcomes(1, 1)], 2_000, 0.1)
    text = generate_latest(metrics.registry).decode()
    for line in (
        "# HELP valuation_jobs_submitted_total Total number of valuation jobs submitted.",
        "# HELP valuation_jobs_completed_total Total number of valuation jobs completed successfully.",
        "# HELP valuation_jobs_failed_total Total number of valuation jobs that failed.",
        "# HELP valuation_processing_duration_seconds Histogram of valuation job processing time in seconds.",
        "# TYPE valuation_processing_duration_seconds histogram",
        'valuation_jobs_submitted_total{county_id="BENTON",status_on_submit="PENDING"} 2.0',
        'valuation_jobs_completed_total{county_id="BENTON"} 1.0',
        'valuation_jobs_failed_total{county_id="BENTON",failure_reason="property_not_found"} 1.0',
        'build_info{version="1.0"} 1.0',
    ):
        assert line in text.splitlines()


def test_submitted_is_completed_and_failed_and_what_the_histogram_counts() -> None:
    metrics = ProcessorMetrics("1.0")
    metrics.count([_outcomes(5, 2), _outcomes(3, 0, 7.0)], 2_000, 0.1)
    found = _scraped(metrics)
    county = (("county_id", "BENTON"),)
    assert found["valuation_jobs_submitted_total"][(*county, ("status_on_submit", "PENDING"))] == 10
    assert found["valuation_jobs_completed_total"][county] == 8
    assert found["valuation_jobs_failed_total"][(*county, ("failure_reason", "property_not_found"))] == 2
    assert found["valuation_processing_duration_seconds_count"][county] == 10
    assert found["valuation_processing_duration_seconds_sum"][county] == pytest.approx(7 * 0.02 + 3 * 7.0)
    assert found["valuation_end_to_end_seconds_count"][()] == 10
    assert found["valuation_end_to_end_seconds_sum"][()] == pytest.approx(10.0)
    assert found["valuation_batch_size_sum"][()] == 14
    assert found["valuation_dead_letters_total"][(("reason", "invalid_request"),)] == 2
    assert found["valuation_duplicates_total"][()] == 2


def test_the_histogram_has_the_clients_default_buckets() -> None:
    from prometheus_client import CollectorRegistry, Histogram  # noqa: PLC0415 - the reference, for this test alone

    registry = CollectorRegistry()
    reference = Histogram("valuation_processing_duration_seconds", "x", ["county_id"], registry=registry)
    metrics = ProcessorMetrics("1.0")
    for seconds in (0.0, 0.005, 0.0051, 0.1, 9.99, 10.0, 10.1, 1e9):
        reference.labels("BENTON").observe(seconds)
        metrics.jobs.count(_outcomes(1, 0, seconds), 1_000)
    ours, theirs = (
        {
            line
            for line in generate_latest(one).decode().splitlines()
            if line.startswith(
                ("valuation_processing_duration_seconds_bucket", "valuation_processing_duration_seconds_c")
            )
            and "_created" not in line
        }
        for one in (metrics.registry, registry)
    )
    assert ours == theirs


def test_many_observations_of_one_value_are_counted_at_once() -> None:
    distribution = Distribution((1.0, 2.0, float("inf")))
    distribution.observe(1.5, 1_000)
    distribution.observe(1.0)
    assert distribution.buckets() == [("1.0", 1.0), ("2.0", 1_001.0), ("+Inf", 1_001.0)]
    assert distribution.sum == pytest.approx(1_501.0)


def test_a_partition_that_left_shows_no_lag_any_more() -> None:
    metrics = ProcessorMetrics("1.0")
    metrics.show_lag({0: 5, 1: 0})
    metrics.show_lag({1: 7})
    found = _scraped(metrics)
    assert found["valuation_consumer_lag_records"] == {(("partition", "1"),): 7}
    assert found["valuation_partitions_assigned"][()] == 1


def test_a_model_that_was_replaced_is_shown_no_more() -> None:
    metrics = ProcessorMetrics("1.0")
    metrics.show_models({"BENTON": 5_000}, {"BENTON": "a"}, {"BENTON": 1_000}, 4_000)
    metrics.show_models({"BENTON": 5_001}, {"BENTON": "b"}, {"BENTON": 3_000}, 4_000)
    found = _scraped(metrics)
    assert found["valuation_model_info"] == {(("county_id", "BENTON"), ("version", "b")): 1}
    assert found["valuation_model_age_seconds"] == {(("county_id", "BENTON"),): 1.0}
    assert found["valuation_properties_loaded"] == {(("county_id", "BENTON"),): 5_001}


def test_a_lane_is_in_one_state_and_a_lost_partition_in_none() -> None:
    metrics = ProcessorMetrics("1.0")
    metrics.show_lanes({0: LaneState.RUNNING, 1: LaneState.HALTED}, 4.0)
    found = _scraped(metrics)
    assert found["valuation_stalled_seconds"] == {(): 4.0}
    states = found["valuation_lane_state"]
    assert {labels for labels, value in states.items() if value == 1} == {
        (("partition", "0"), ("state", "running")),
        (("partition", "1"), ("state", "halted")),
    }
    assert len(states) == 2 * len(LaneState)
    metrics.show_lanes({}, 0.0)
    assert "valuation_lane_state" not in _scraped(metrics)


def test_level_and_study_are_those_of_the_counties_in_service() -> None:
    metrics = ProcessorMetrics("1.0")
    metrics.show_quality({"BENTON": 1.02, "KING": 0.9}, {"BENTON": {"cod": 8.5}})
    metrics.show_quality({"BENTON": 1.03}, {"BENTON": {"cod": 8.25}})
    found = _scraped(metrics)
    assert found["valuation_market_level_ratio"] == {(("county_id", "BENTON"),): 1.03}
    assert found["valuation_ratio_study"] == {(("county_id", "BENTON"), ("statistic", "cod")): 8.25}


def test_dead_letters_are_counted_from_nought_and_late_requests_have_a_bucket() -> None:
    metrics = ProcessorMetrics("1.0")
    assert _scraped(metrics)["valuation_dead_letters_total"] == {(("reason", "invalid_request"),): 0.0}
    metrics.count([_outcomes(2, 1)], 62_000, 0.1)
    buckets = _scraped(metrics)["valuation_end_to_end_seconds_bucket"]
    assert (buckets[(("le", "60.0"),)], buckets[(("le", "120.0"),)]) == (0, 3)


def test_only_finite_numbers_of_an_announced_study_become_metrics() -> None:
    study = {"cod": 8, "n": True, "median_ci": [0.9, 1.1], "prb": None, "mki": float("nan"), "prd": 1.01}
    assert figures(study) == {"cod": 8.0, "prd": 1.01}
