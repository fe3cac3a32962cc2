"""The first dashboard: submissions, completions, failures by reason, and how long a valuation takes."""

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.panels import board, counties, figure, lines, percentiles

_COUNTY = '{county_id=~"$county"}'
_DURATION = "valuation_processing_duration_seconds"


def valuations() -> Dashboard:
    """Return the dashboard of the four job metrics."""
    made = board("terrafusion-valuations", "TerraFusion Sync valuations", "What was asked for and what became of it.")
    return _failures(_successes(_totals(made.with_variable(counties("valuation_jobs_submitted_total")))))


def _totals(made: Dashboard) -> Dashboard:
    return (
        made.with_panel(_total("Submitted", "Jobs first seen in the time shown.", "valuation_jobs_submitted_total"))
        .with_panel(_total("Completed", "Jobs completed in the time shown.", "valuation_jobs_completed_total"))
        .with_panel(_total("Failed", "Jobs failed in the time shown.", "valuation_jobs_failed_total"))
        .with_panel(
            figure(
                "Mean processing time",
                "Without the time in the queue.",
                f"sum(increase({_DURATION}_sum{_COUNTY}[$__range]))"
                f" / (sum(increase({_DURATION}_count{_COUNTY}[$__range])) > 0) or vector(0)",
                unit="s",
            )
        )
    )


def _successes(made: Dashboard) -> Dashboard:
    return made.with_panel(
        lines(
            "Submissions",
            "Jobs first seen a second, by county.",
            {"{{county_id}}": _rate("county_id", "valuation_jobs_submitted_total")},
            unit="ops",
        )
    ).with_panel(
        lines(
            "Completions",
            "Jobs completed a second, by county.",
            {"{{county_id}}": _rate("county_id", "valuation_jobs_completed_total")},
            unit="ops",
        )
    )


def _failures(made: Dashboard) -> Dashboard:
    return made.with_panel(
        lines(
            "Failures by reason",
            "Jobs failed a second, by reason.",
            {"{{failure_reason}}": _rate("failure_reason", "valuation_jobs_failed_total")},
            unit="ops",
            stacked=True,
        )
    ).with_panel(
        lines(
            "Processing time",
            "Percentiles of the time a job takes once it is taken up, failures included.",
            percentiles(_DURATION, by=_COUNTY),
            unit="s",
        )
    )


def _total(title: str, description: str, metric: str) -> stat.Panel:
    return figure(title, description, f"sum(increase({metric}{_COUNTY}[$__range])) or vector(0)")


def _rate(label: str, metric: str) -> str:
    return f"sum by ({label}) (rate({metric}{_COUNTY}[$__rate_interval])) or vector(0)"
