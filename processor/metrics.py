"""The worker's metrics, with the names, labels and help texts of the contract.

Job metrics are kept here and handed to the Prometheus client when it asks: a committed batch is counted in one step of
the event loop, all four metrics together, at a cost that depends on the number of counties and not of jobs.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Gauge, Histogram, ProcessCollector
from prometheus_client import Counter as PrometheusCounter
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from processor.batch import Outcomes
from processor.errors import LaneError
from processor.lanes.lane import LaneState
from schemas.reasons import FailureReason, JobStatus

_SUBMITTED: Final = "Total number of valuation jobs submitted."
_COMPLETED: Final = "Total number of valuation jobs completed successfully."
_FAILED: Final = "Total number of valuation jobs that failed."
_DURATION: Final = "Histogram of valuation job processing time in seconds."
_END_TO_END: Final = "Histogram of the time from a job's creation to its committed result in seconds."
_END_TO_END_BOUNDS: Final = (*Histogram.DEFAULT_BUCKETS[:-1], 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, float("inf"))
"""The default buckets, and on to the time after which a request counts as late, and beyond."""
_BATCH_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 4_000, 8_000)
_UNAVAILABLE: Final = "1 while the announced model does not serve for this reason, else 0."
_LEVEL: Final = "Factor by which the newest sales correct the model's level."
_TROUBLES: Final = ("damaged", "missing", "unreachable")
"""Why an announced model may not serve, as the model store's errors name it."""


class Distribution:
    """A histogram that takes many observations of one value at once."""

    def __init__(self, bounds: Sequence[float] = Histogram.DEFAULT_BUCKETS) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * len(self._bounds)
        self._sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count ``times`` observations of ``value``."""
        self._counts[bisect_left(self._bounds, value)] += times
        self._sum += value * times

    def observe_all(self, values: NDArray[np.float64]) -> None:
        """Count one observation of each value."""
        for place, count in enumerate(np.bincount(np.searchsorted(self._bounds, values)).tolist()):
            self._counts[place] += count
        self._sum += float(values.sum())

    def buckets(self) -> list[tuple[str, float]]:
        """Return the cumulative buckets as the Prometheus client wants them."""
        total = 0
        found = []
        for bound, count in zip(self._bounds, self._counts, strict=True):
            total += count
            found.append((_bound(bound), float(total)))
        return found

    @property
    def sum(self) -> float:
        """The sum of all observations."""
        return self._sum


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(bound)


class JobMetrics(Collector):
    """The four job metrics and the end-to-end time; submitted = completed + failed = observations at any scrape."""

    def __init__(self) -> None:
        self._tally: Counter[tuple[str, str | None]] = Counter()
        self._durations: dict[str, Distribution] = {}
        self._end_to_end = Distribution(_END_TO_END_BOUNDS)

    def count(self, outcomes: Outcomes, now_ms: int) -> None:
        """Count a batch whose transaction has committed; on the event loop only."""
        for job, count in outcomes.tally.items():
            self._tally[job] += count
        for county, seconds, count in outcomes.durations:
            self._durations.setdefault(county, Distribution()).observe(seconds, count)
        self._end_to_end.observe_all((now_ms - np.array(outcomes.created_ms, dtype=np.int64)).clip(0) / 1000)

    def collect(self) -> Iterator[Metric]:
        """Return the job metrics as they stand."""
        submitted = CounterMetricFamily(
            "valuation_jobs_submitted", _SUBMITTED, labels=("county_id", "status_on_submit")
        )
        completed = CounterMetricFamily("valuation_jobs_completed", _COMPLETED, labels=("county_id",))
        failed = CounterMetricFamily("valuation_jobs_failed", _FAILED, labels=("county_id", "failure_reason"))
        by_county: Counter[str] = Counter()
        for (county, reason), count in self._tally.items():
            by_county[county] += count
            if reason is None:
                completed.add_metric((county,), count)
            else:
                failed.add_metric((county, FailureReason(reason).value), count)
        for county, count in by_county.items():
            submitted.add_metric((county, JobStatus.PENDING.value), count)
        yield from (submitted, completed, failed)
        yield self._histogram("valuation_processing_duration_seconds", _DURATION, self._durations)
        yield self._histogram("valuation_end_to_end_seconds", _END_TO_END, {"": self._end_to_end}, labels=())

    @staticmethod
    def _histogram(
        name: str, text: str, by_label: Mapping[str, Distribution], labels: tuple[str, ...] = ("county_id",)
    ) -> Metric:
        family = HistogramMetricFamily(name, text, labels=labels)
        for label, distribution in by_label.items():
            family.add_metric((label,)[: len(labels)], distribution.buckets(), distribution.sum)
        return family


class TransactionMetrics:
    """What transactions settle, and how they end."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.jobs = JobMetrics()
        registry.register(self.jobs)
        ProcessCollector(registry=registry)
        self.dead_letters = _counter(
            registry, "valuation_dead_letters", "Records that were no valid request, by reason.", "reason"
        )
        # A counter that appears with its first event hides that event from every rate.
        self.dead_letters.labels(FailureReason.INVALID_REQUEST.value)
        self.duplicates = _counter(registry, "valuation_duplicates", "Requests whose job had been settled already.")
        self.batch_size = Histogram(
            "valuation_batch_size", "Requests settled in one transaction.", buckets=_BATCH_SIZES, registry=registry
        )
        self.transaction_seconds = Histogram(
            "valuation_transaction_seconds", "Time from the begin of a transaction to its end.", registry=registry
        )
        self.aborts = _counter(
            registry, "valuation_transaction_aborts", "Transactions that did not commit, by reason.", "reason"
        )
        for kind in LaneError.__subclasses__():
            self.aborts.labels(kind.__name__)

    def count(self, outcomes: Iterable[Outcomes], now_ms: int, seconds: float) -> None:
        """Count the batches of one committed transaction that took ``seconds``; one step of the event loop."""
        requests = 0
        for batch in outcomes:
            self.jobs.count(batch, now_ms)
            requests += batch.records
            if batch.duplicates:
                self.duplicates.inc(batch.duplicates)
            if batch.dead_letters:
                self.dead_letters.labels(FailureReason.INVALID_REQUEST.value).inc(len(batch.dead_letters))
        self.batch_size.observe(requests)
        self.transaction_seconds.observe(seconds)


class LaneMetrics:
    """The partitions that the worker holds: what waits there, and how their lanes stand."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lag = _gauge(
            registry, "valuation_consumer_lag_records", "Requests on the topic that are not settled yet.", "partition"
        )
        self.assigned = _gauge(registry, "valuation_partitions_assigned", "Partitions that this worker holds.")
        self.lanes = _gauge(
            registry,
            "valuation_lane_state",
            "1 for the state that a partition's lane is in, 0 for all others.",
            "partition",
            "state",
        )
        self.stalled = _gauge(
            registry,
            "valuation_stalled_seconds",
            "How long the partition that is worst off has stood still though there is lag.",
        )

    def show_lag(self, lags: Mapping[int, int]) -> None:
        """Show the lag of the partitions held now, and of no others."""
        self.lag.clear()
        for partition, lag in lags.items():
            self.lag.labels(str(partition)).set(lag)
        self.assigned.set(len(lags))

    def show_lanes(self, states: Mapping[int, LaneState], stalled_seconds: float) -> None:
        """Show how the lanes held now stand, and for how long the worst of them has stood still."""
        self.lanes.clear()
        for partition, state in states.items():
            for each in LaneState:
                self.lanes.labels(str(partition), each.value).set(each is state)
        self.stalled.set(stalled_seconds)


class ModelMetrics:
    """What values the counties, and how well."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.model_info = _gauge(registry, "valuation_model_info", "The models in service.", "county_id", "version")
        self.model_age = _gauge(
            registry, "valuation_model_age_seconds", "Time since the model was trained.", "county_id"
        )
        self.troubled = _gauge(registry, "valuation_model_unavailable", _UNAVAILABLE, "county_id", "reason")
        self.store = _gauge(
            registry, "valuation_model_store_reachable", "Whether the model store answered when it was last asked."
        )
        self.level = _gauge(registry, "valuation_market_level_ratio", _LEVEL, "county_id")
        self.study = _gauge(
            registry,
            "valuation_ratio_study",
            "Ratio study of the model in service, by statistic.",
            "county_id",
            "statistic",
        )
        self.properties = _gauge(registry, "valuation_properties_loaded", "Properties on the roll.", "county_id")

    def show_models(
        self, sizes: Mapping[str, int], versions: Mapping[str, str], trained_ms: Mapping[str, int], now_ms: int
    ) -> None:
        """Show the properties on the roll, the models in service, and their age."""
        self.model_info.clear()
        self.model_age.clear()
        for county, size in sizes.items():
            self.properties.labels(county).set(size)
        for county, model in versions.items():
            self.model_info.labels(county, model).set(1)
        for county, trained in trained_ms.items():
            self.model_age.labels(county).set(max(0.0, (now_ms - trained) / 1000))

    def show_troubles(self, announced: Iterable[str], troubles: Mapping[str, str], *, store_reachable: bool) -> None:
        """Show whose announced model does not serve, and whether the model store answers."""
        self.troubled.clear()
        for county in announced:
            for reason in _TROUBLES:
                self.troubled.labels(county, reason).set(troubles.get(county) == reason)
        self.store.set(store_reachable)

    def show_quality(self, levels: Mapping[str, float], studies: Mapping[str, Mapping[str, float]]) -> None:
        """Show the market's level by county, and the statistics of each county's ratio study by their names."""
        self.level.clear()
        self.study.clear()
        for county, level in levels.items():
            self.level.labels(county).set(level)
        for county, study in studies.items():
            for statistic, value in study.items():
                self.study.labels(county, statistic).set(value)


class ProcessorMetrics(TransactionMetrics, LaneMetrics, ModelMetrics):
    """All metrics of one worker, in a registry of its own."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        TransactionMetrics.__init__(self, self.registry)
        LaneMetrics.__init__(self, self.registry)
        ModelMetrics.__init__(self, self.registry)
        build_info = _gauge(self.registry, "build_info", "Version of the software; the value is always 1.", "version")
        build_info.labels(version).set(1)


def _counter(registry: CollectorRegistry, name: str, text: str, *labels: str) -> PrometheusCounter:
    return PrometheusCounter(name, text, labels, registry=registry)


def _gauge(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Gauge:
    return Gauge(name, text, labels, registry=registry)
