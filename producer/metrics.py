"""The gateway's Prometheus metrics, in one table; names are fixed by the contract."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class GatewayMetrics:
    """The metrics of one gateway, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self._requests = Counter(
            "gateway_http_requests_total",
            "Total number of HTTP requests answered.",
            ("method", "endpoint", "http_status"),
            registry=self.registry,
        )
        self._duration = Histogram(
            "gateway_http_request_duration_seconds",
            "Histogram of HTTP request handling time in seconds.",
            ("method", "endpoint"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._publish = Histogram(
            "gateway_publish_seconds",
            "Histogram of the time until Kafka acknowledged, in seconds.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.in_flight: Final = Gauge(
            "gateway_requests_in_flight", "Number of records on their way to Kafka.", registry=self.registry
        )
        self.view_lag: Final = Gauge(
            "gateway_view_lag_records",
            "Number of records on the topics that the job view has not read yet.",
            registry=self.registry,
        )
        self.sse_clients: Final = Gauge(
            "gateway_sse_clients", "Number of clients that listen to live results.", registry=self.registry
        )
        self.published: Final = self._publish.observe
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """Count one answered request; an unusual method counts as ``OTHER``."""
        children = self._children.get((method, endpoint, status))
        if children is None:
            children = self._made(method, endpoint, status)
        children[0].inc()
        children[1].observe(seconds)

    def _made(self, method: str, endpoint: str, status: int) -> tuple[Counter, Histogram]:
        label = method if method in _METHODS else "OTHER"
        made = (self._requests.labels(label, endpoint, str(status)), self._duration.labels(label, endpoint))
        if label == method:
            self._children[method, endpoint, status] = made
        return made

    def page(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self.registry)
