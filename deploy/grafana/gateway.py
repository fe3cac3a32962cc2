"""The dashboard of the gateway: what is asked over HTTP, how fast it answers, and how far its view has read."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.panels import board, figure, lines, percentiles

_REQUESTS = "gateway_http_requests_total"
_TIME_TO_ANSWER = "sum by (method, endpoint, le) (rate(gateway_http_request_duration_seconds_bucket[$__rate_interval]))"


def gateway() -> Dashboard:
    """Return the dashboard of the gateways."""
    made = board("terrafusion-gateway", "TerraFusion Sync gateway", "The HTTP interface, publisher and job view.")
    return _behind(_requests(_now(made)))


def _now(made: Dashboard) -> Dashboard:
    return (
        made.with_panel(
            figure(
                "Requests", "Answered a second.", f"sum(rate({_REQUESTS}[$__rate_interval]))", unit="reqps", across=6
            )
        )
        .with_panel(
            figure(
                "Unavailable",
                "Share of the last hour's requests that were answered 5xx.",
                "gateway:unavailable:ratio_rate1h",
                unit="percentunit",
                across=6,
            )
        )
        .with_panel(figure("In flight", "Requests being handled.", "sum(gateway_requests_in_flight)", across=6))
        .with_panel(
            figure("View behind", "Records that the job view has not read.", "gateway:view_lag:records", across=6)
        )
        .with_panel(figure("Listeners", "Clients of live results.", "sum(gateway_sse_clients)", across=6))
        .with_panel(figure("Gateways", "That answer.", 'sum(up{job="gateway"})', across=6))
    )


def _requests(made: Dashboard) -> Dashboard:
    return (
        made.with_panel(
            lines(
                "Requests by endpoint",
                "Answered a second.",
                {"{{method}} {{endpoint}}": f"sum by (method, endpoint) (rate({_REQUESTS}[$__rate_interval]))"},
                unit="reqps",
            )
        )
        .with_panel(
            lines(
                "Answers by status",
                "Answered a second.",
                {"{{http_status}}": f"sum by (http_status) (rate({_REQUESTS}[$__rate_interval]))"},
                unit="reqps",
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Time to answer",
                "99th percentile by endpoint; that of run with Prefer: wait holds the valuation too.",
                {"{{method}} {{endpoint}}": f"histogram_quantile(0.99, {_TIME_TO_ANSWER})"},
                unit="s",
            )
        )
    )


def _behind(made: Dashboard) -> Dashboard:
    return (
        made.with_panel(
            lines(
                "Time until Kafka has acknowledged",
                "Percentiles over all publishes.",
                percentiles("gateway_publish_seconds"),
                unit="s",
            )
        )
        .with_panel(
            lines("Job view", "Records on the topics not read yet.", {"{{instance}}": "gateway_view_lag_records"})
        )
        .with_panel(
            lines(
                "Held open",
                "Requests being handled, and clients that listen to live results.",
                {"requests": "sum(gateway_requests_in_flight)", "listeners": "sum(gateway_sse_clients)"},
            )
        )
    )
