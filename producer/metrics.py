"""The gateway's Prometheus metrics, in one table; names are fixed by the contract.

What every request touches is counted in plain numbers on the event loop and becomes metrics when somebody looks.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Durations:
    """Seconds sorted into buckets."""

    __slots__ = ("_buckets", "total")

    def __init__(self) -> None:
        self._buckets = [0] * (len(_BOUNDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self._buckets[bisect_left(_BOUNDS, seconds)] += 1
        self.total += seconds

    def cumulative(self) -> Iterator[tuple[str, float]]:
        """Yield each bucket's upper bound and how many durations lie within it."""
        seen = 0
        for bound, count in zip((*map(str, _BOUNDS), "+Inf"), self._buckets, strict=True):
            seen += count
            yield bound, seen


class GatewayMetrics(Collector):
    """The metrics of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self.requests_in_flight = 0
        self.view_lag = 0
        self.sse_clients = 0
        self.sse_cut_off = {"behind": 0, "stalled": 0}
        self._answers: dict[tuple[str, str, int], int] = {}
        self._durations: dict[tuple[str, str], Durations] = {}
        self._publish = Durations()
        self.published: Final = self._publish.observe
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def answered(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """Count one answered request; an unusual method counts as ``OTHER``."""
        if method not in _METHODS:
            method = "OTHER"
        key = (method, endpoint, status)
        self._answers[key] = self._answers.get(key, 0) + 1
        durations = self._durations.get((method, endpoint))
        if durations is None:
            durations = self._durations[method, endpoint] = Durations()
        durations.observe(seconds)

    def page(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Yield every metric as it stands."""
        requests = CounterMetricFamily(
            "gateway_http_requests",
            "Total number of HTTP requests answered.",
            labels=("method", "endpoint", "http_status"),
        )
        for (method, endpoint, status), count in self._answers.items():
            requests.add_metric((method, endpoint, str(status)), count)
        yield requests
        durations = HistogramMetricFamily(
            "gateway_http_request_duration_seconds",
            "Histogram of HTTP request handling time in seconds.",
            labels=("method", "endpoint"),
        )
        for labels, seconds in self._durations.items():
            durations.add_metric(labels, list(seconds.cumulative()), seconds.total)
        yield durations
        yield HistogramMetricFamily(
            "gateway_publish_seconds",
            "Histogram of the time until Kafka acknowledged, in seconds.",
            buckets=list(self._publish.cumulative()),
            sum_value=self._publish.total,
        )
        yield self._cut_off()
        yield from self._gauges()

    def _cut_off(self) -> Metric:
        cut_off = CounterMetricFamily(
            "gateway_sse_cut_off",
            "Total number of listeners cut off: too far behind, or taking nothing for too long.",
            labels=("reason",),
        )
        for reason, count in self.sse_cut_off.items():
            cut_off.add_metric((reason,), count)
        return cut_off

    def _gauges(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "gateway_requests_in_flight", "Number of HTTP requests being handled.", self.requests_in_flight
        )
        yield GaugeMetricFamily(
            "gateway_view_lag_records",
            "Number of records on the topics that the job view has not read yet.",
            self.view_lag,
        )
        yield GaugeMetricFamily(
            "gateway_sse_clients", "Number of clients that listen to live results.", self.sse_clients
        )
