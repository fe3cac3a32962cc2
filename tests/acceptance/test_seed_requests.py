"""The two requests that every new installation is tried with, and what the metrics say of them."""

from typing import Final

from tests.acceptance.client import Client, Metrics
from tests.waiting import until

_HELP: Final = {
    "valuation_jobs_submitted": "Total number of valuation jobs submitted.",
    "valuation_jobs_completed": "Total number of valuation jobs completed successfully.",
    "valuation_jobs_failed": "Total number of valuation jobs that failed.",
    "valuation_processing_duration_seconds": "Histogram of valuation job processing time in seconds.",
}
_DEFAULT_BUCKETS: Final = {
    *("0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75"),
    *("1.0", "2.5", "5.0", "7.5", "10.0", "+Inf"),
}


def test_prop123_completes_and_prop_fail_simulation_fails_and_both_are_counted(client: Client) -> None:
    before = client.metrics()

    completed = client.value("PROP123")
    failed = client.value("PROP_FAIL_SIMULATION")

    assert (completed["status"], completed["failure_reason"]) == ("COMPLETED", None)
    assert completed["message"] == "Valuation completed successfully."
    assert completed["result"]["estimated_value"] % 100 == 0
    assert (failed["status"], failed["failure_reason"]) == ("FAILED", "simulated_processing_error")
    assert failed["message"] == "Simulated processing failure."
    assert failed["result"] is None
    after = _once_counted(client, before, 2)
    assert _growth(before, after, "valuation_jobs_submitted_total", status_on_submit="PENDING") == 2
    assert _growth(before, after, "valuation_jobs_completed_total") == 1
    assert _growth(before, after, "valuation_jobs_failed_total") == 1
    assert _growth(before, after, "valuation_jobs_failed_total", failure_reason="simulated_processing_error") == 1
    assert _growth(before, after, "valuation_processing_duration_seconds_count") == 2
    assert _growth(before, after, "valuation_processing_duration_seconds_bucket", le="+Inf") == 2


def test_the_four_metrics_have_their_names_types_labels_and_help_texts(client: Client) -> None:
    client.value("PROP123")
    client.value("PROP_FAIL_SIMULATION")
    families = client.metrics().families
    assert {name: families[name].documentation for name in _HELP} == _HELP
    assert {name: families[name].type for name in _HELP} == dict.fromkeys(_HELP, "counter") | {
        "valuation_processing_duration_seconds": "histogram"
    }
    labels = {
        sample.name: set(sample.labels)
        for name in _HELP
        for sample in families[name].samples
        if not sample.name.endswith("_created")
    }
    assert labels == {
        "valuation_jobs_submitted_total": {"county_id", "status_on_submit"},
        "valuation_jobs_completed_total": {"county_id"},
        "valuation_jobs_failed_total": {"county_id", "failure_reason"},
        "valuation_processing_duration_seconds_bucket": {"county_id", "le"},
        "valuation_processing_duration_seconds_count": {"county_id"},
        "valuation_processing_duration_seconds_sum": {"county_id"},
    }
    assert client.metrics().labels("valuation_processing_duration_seconds_bucket", "le") == _DEFAULT_BUCKETS
    assert client.metrics().labels("valuation_jobs_submitted_total", "status_on_submit") == {"PENDING"}


def test_every_scrape_adds_up_while_work_goes_on(client: Client) -> None:
    jobs = [client.submit("PROP123") for _ in range(20)]
    for job_id in jobs:
        _adds_up(client.metrics())
        client.finished(job_id)
    _adds_up(client.metrics())


def test_the_spelling_of_a_county_makes_no_other_label(client: Client) -> None:
    before = client.metrics()
    for spelling in ("benton", "benton_wa", "benton-wa", "BENTON", "Benton County"):
        assert client.value("PROP123", spelling)["county_id"] == "BENTON"
    assert _growth(before, _once_counted(client, before, 5), "valuation_jobs_completed_total") == 5


def test_counties_that_nobody_knows_share_one_label(client: Client) -> None:
    before = client.metrics()
    jobs = [client.submit("PROP123", f"NOWHERE_{number}") for number in range(60)]
    for job_id in jobs:
        assert client.finished(job_id)["failure_reason"] == "property_not_found"
    after = _once_counted(client, before, 60)
    counties = after.labels("valuation_jobs_submitted_total", "county_id")
    assert {"BENTON", "OTHER"} <= counties
    assert not any(county.startswith("NOWHERE") for county in counties)
    grown = [after.value("valuation_jobs_failed_total", county_id="OTHER", failure_reason="property_not_found")]
    grown.append(before.value("valuation_jobs_failed_total", county_id="OTHER", failure_reason="property_not_found"))
    assert grown[0] - grown[1] == 60


def _once_counted(client: Client, before: Metrics, jobs: int) -> Metrics:
    """Return the metrics once so many more jobs are counted: a result may be seen a moment before that."""
    submitted = "valuation_jobs_submitted_total"
    until(lambda: client.metrics().value(submitted) - before.value(submitted) >= jobs)
    return client.metrics()


def _growth(before: Metrics, after: Metrics, sample: str, **labels: str) -> float:
    benton = {"county_id": "BENTON", **labels}
    return after.value(sample, **benton) - before.value(sample, **benton)


def _adds_up(scrape: Metrics) -> None:
    submitted = scrape.value("valuation_jobs_submitted_total")
    ended = scrape.value("valuation_jobs_completed_total") + scrape.value("valuation_jobs_failed_total")
    assert submitted == ended == scrape.value("valuation_processing_duration_seconds_count")
