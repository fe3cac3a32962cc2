"""The dashboard of the pipeline: what waits, what is settled, how the lanes stand, and what goes wrong."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deploy.grafana.panels import board, figure, lines, percentiles


def pipeline() -> Dashboard:
    """Return the dashboard of the workers and the topics between them and the gateway."""
    made = board("terrafusion-pipeline", "TerraFusion Sync pipeline", "From the requests topic to committed results.")
    for put in (_now, _partitions, _lag, _lanes, _work, _times, _failures, _interruptions, _processes):
        made = put(made)
    return made


def _now(made: Dashboard) -> Dashboard:
    return (
        made.with_panel(
            figure(
                "Alerts",
                "Alerts that fire; docs/runbook.md has a section for each.",
                'count(ALERTS{alertstate="firing"}) or vector(0)',
                across=6,
            )
        )
        .with_panel(figure("Requests waiting", "On the topic and not settled.", "valuation:lag:records", across=6))
        .with_panel(figure("Settled", "Requests a second.", "valuation:settled:rate5m", unit="ops", across=6))
        .with_panel(
            figure(
                "Late",
                "Share of the jobs of the last hour that took longer than 60 s.",
                "valuation:late:ratio_rate1h",
                unit="percentunit",
                across=6,
            )
        )
    )


def _partitions(made: Dashboard) -> Dashboard:
    return made.with_panel(
        figure("Partitions held", "Of the requests topic, by workers.", "valuation:partitions:held", across=6)
    ).with_panel(
        figure(
            "Longest stall",
            "Of a partition with requests waiting.",
            "valuation:stalled:seconds",
            unit="s",
            across=6,
        )
    )


def _lag(made: Dashboard) -> Dashboard:
    return (
        made.with_row(Row("Kafka lag"))
        .with_panel(
            lines(
                "Lag by partition",
                "Requests on the topic that are not settled yet.",
                {"{{partition}}": "max by (partition) (valuation_consumer_lag_records)"},
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Time to the committed result",
                "Percentiles from a job's creation, the time in the queue included.",
                percentiles("valuation_end_to_end_seconds"),
                unit="s",
            )
        )
    )


def _lanes(made: Dashboard) -> Dashboard:
    return made.with_panel(
        lines(
            "Partitions by worker",
            "How many each worker holds.",
            {"{{instance}}": "sum by (instance) (valuation_partitions_assigned)"},
        )
    ).with_panel(
        lines(
            "Lanes by state",
            "Running is the rule; halted asks for people.",
            {"{{state}}": "sum by (state) (valuation_lane_state)"},
        )
    )


def _work(made: Dashboard) -> Dashboard:
    rate = "rate(valuation_batch_size_sum[$__rate_interval])"
    return (
        made.with_row(Row("Work"))
        .with_panel(
            lines(
                "Settled by worker",
                "Requests a second.",
                {"{{instance}}": f"sum by (instance) ({rate})"},
                unit="ops",
            )
        )
        .with_panel(
            lines(
                "Requests in a transaction",
                "On average; grows with the load.",
                {
                    "{{instance}}": f"sum by (instance) ({rate})"
                    " / (sum by (instance) (rate(valuation_batch_size_count[$__rate_interval])) > 0) or vector(0)"
                },
            )
        )
    )


def _times(made: Dashboard) -> Dashboard:
    return made.with_panel(
        lines(
            "Transactions",
            "Percentiles of the time from begin to end.",
            percentiles("valuation_transaction_seconds"),
            unit="s",
        )
    ).with_panel(
        lines(
            "Processing time",
            "Percentiles of the time a job takes once it is taken up.",
            percentiles("valuation_processing_duration_seconds"),
            unit="s",
        )
    )


def _failures(made: Dashboard) -> Dashboard:
    return (
        made.with_row(Row("What goes wrong"))
        .with_panel(
            lines(
                "Failure ratio",
                "Share of the jobs that failed in ten minutes, by county and reason.",
                {"{{county_id}} {{failure_reason}}": "county_reason:valuation_failures:ratio_rate10m"},
                unit="percentunit",
            )
        )
        .with_panel(
            lines(
                "Dead letters",
                "Records a second that were no valid requests, by reason.",
                {"{{reason}}": "sum by (reason) (rate(valuation_dead_letters_total[$__rate_interval]))"},
                unit="ops",
            )
        )
    )


def _interruptions(made: Dashboard) -> Dashboard:
    return made.with_panel(
        lines(
            "Lanes that started again",
            "Interruptions a second, by what interrupted.",
            {"{{reason}}": "sum by (reason) (rate(valuation_transaction_aborts_total[$__rate_interval])) or vector(0)"},
            unit="ops",
        )
    ).with_panel(
        lines(
            "Repeated requests",
            "Requests a second whose job had been settled already.",
            {"repeated": "sum(rate(valuation_duplicates_total[$__rate_interval]))"},
            unit="ops",
        )
    )


def _processes(made: Dashboard) -> Dashboard:
    return (
        made.with_row(Row("Processes"))
        .with_panel(
            lines(
                "CPU",
                "Cores, by process.",
                {"{{job}} {{instance}}": "sum by (job, instance) (rate(process_cpu_seconds_total[$__rate_interval]))"},
            )
        )
        .with_panel(
            lines(
                "Memory",
                "Resident, by process.",
                {"{{job}} {{instance}}": "sum by (job, instance) (process_resident_memory_bytes)"},
                unit="bytes",
            )
        )
    )
