"""The composition root of a worker: everything that one process of ``python -m processor`` is made of."""

import asyncio
import os
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

import faust
from aiokafka import TopicPartition

from processor.activity import Activity
from processor.agent import Desk, Valuer
from processor.app import add_agent, batch_channel, faust_app
from processor.appraisal import appraisal
from processor.batch import Outcomes
from processor.handler import Collaborators
from processor.health import Health
from processor.lanes import LaneSource
from processor.lanes.budget import Budget
from processor.lanes.context import LaneContext
from processor.lanes.lag import LagWatch
from processor.lanes.ledger import Ledger
from processor.lanes.limits import DeadLetterLimits
from processor.lanes.source import Membership
from processor.lanes.turns import Turns
from processor.metrics import ProcessorMetrics
from processor.pace import Pace
from processor.settings import ProcessorSettings
from processor.web import add_pages
from schemas import tracing
from schemas.logs import get_logger
from schemas.settings import CommonSettings
from schemas.topics import topics

if TYPE_CHECKING:
    from processor.tracing import TransactionTraces

EXIT_FAULT: Final = 70
"""EX_SOFTWARE; the supervisor starts the worker again."""
_REFRESH_SECONDS: Final = 1.0
_DAY_MS: Final = 86_400_000

_log = get_logger(__name__)


class Worker:
    """One worker: lanes, agent, web view and what they share, started and stopped by its Faust app."""

    def __init__(self, settings: ProcessorSettings, common: CommonSettings, client_options: Mapping[str, Any]) -> None:
        self._settings = settings
        self._topics = topics(common.topic_prefix)
        self._options = client_options
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="valuing")
        self._pace = Pace(max_records=settings.max_records, batch_seconds=settings.batch_seconds)
        self._appraisal = appraisal(settings, self._topics, client_options, common)
        self._refreshing: asyncio.Task[None] | None = None
        self.metrics = ProcessorMetrics(_version())
        self._activity = Activity()
        self._traces = _traces(self._topics.requests.name)
        data_dir = str(common.data_dir / f"faust-{settings.port}")
        self.app = faust_app(settings.group, host=settings.host, port=settings.port, data_dir=data_dir)
        self._desk = self._hire()
        membership = Membership(
            self._topics.requests.name,
            settings.group,
            settings.instance_id,
            settings.session_timeout_ms,
            settings.window,
        )
        self.source = LaneSource(client_options, membership, self._context, self._appraisal.wait_ready)
        self.lag = LagWatch(self.source, self._show_lag)
        self.health = Health(
            self.source,
            self.lag,
            lambda: self._appraisal.ready,
            settings.stall_seconds,
            troubles=self._appraisal.troubles,
        )
        add_pages(self.app, self.metrics.registry, self.health)
        self.app.on_before_shutdown.connect(self._finish)
        self.app.task(self._start)

    def _hire(self) -> Desk:
        """Set up the agent, and return the desk where it takes its batches from."""
        channel = batch_channel(self.app)
        desk = Desk(channel)
        using = Collaborators(
            roll=self._appraisal.roll,
            engines=self._appraisal.engines,
            now_ms=_now_ms,
            elapsed=time.perf_counter,
            app_version=_version(),
        )
        thread = None if self._appraisal.inline else self._thread
        add_agent(self.app, channel, Valuer(using, self._appraisal.catch_up, self._pace, thread), desk)
        return desk

    def _context(self, source: LaneSource) -> LaneContext:
        settings = self._settings
        return LaneContext(
            desk=self._desk,
            budget=Budget(settings.records_in_hand, self._pace.enough),
            pace=self._pace,
            limits=DeadLetterLimits(
                settings.consecutive_dead_letters, settings.dead_letter_percent, settings.dead_letter_sample
            ),
            results=self._topics.results.name,
            dead_letters=self._topics.dead_letters.name,
            record_limit=settings.record_limit,
            max_records=settings.max_records,
            commit_seconds=settings.commit_seconds,
            turns=Turns(settings.commits_at_once, settings.commit_turn_seconds),
            book=self._book,
            committed=source.committed,
            bounds=source.ends.bounds,
            count=self._count,
            aborted=lambda reason: self.metrics.aborts.labels(reason).inc(),
            fatal=fatal,
        )

    def _book(self, partition: TopicPartition, batch_bytes: int) -> Ledger:
        return Ledger(
            self._options,
            partition=partition,
            topics=(self._topics.results.name, self._topics.dead_letters.name),
            group=self._settings.group,
            batch_bytes=batch_bytes,
        )

    def _count(self, outcomes: Sequence[Outcomes], seconds: float) -> None:
        self.metrics.count(outcomes, _now_ms(), seconds)
        self._activity.note(outcomes)
        if self._traces is not None:
            self._traces.committed(outcomes, seconds)

    def _show_lag(self, lags: Mapping[int, int]) -> None:
        self.metrics.show_lag(lags)

    async def _start(self, _app: faust.App) -> None:
        """Start everything that is not Faust's; returns at once, also while Kafka is away."""
        await self._appraisal.start()
        self.source.start()
        self.lag.start()
        self._refreshing = asyncio.create_task(self._refresh())

    async def _refresh(self) -> None:
        """Keep the slow metrics current, and leave when the worker has been stuck for too long."""
        while True:
            await asyncio.sleep(_REFRESH_SECONDS)
            self._show()
            self._activity.tell()
            if self.health.must_exit():
                _log.critical("stuck", reasons=self.health.dead())
                os._exit(EXIT_FAULT)

    def _show(self) -> None:
        """Show how the lanes stand and what values the counties."""
        metrics, serving, now = self.metrics, self._appraisal, _now_ms()
        states = {lane.partition.partition: lane.state for lane in self.source.lanes}
        metrics.show_lanes(states, self.lag.stalled_seconds)
        metrics.show_models(serving.sizes(), serving.versions(), serving.trained_ms(), now)
        metrics.show_troubles(serving.trained_ms(), serving.troubles(), store_reachable=serving.store_reachable)
        metrics.show_quality(serving.levels(now // _DAY_MS), serving.studies())

    async def _finish(self, *_args: Any, **_kwargs: Any) -> None:
        """Finish what is in hand and leave the group, before Faust stops the agent; then leave, come what may."""
        deadline = threading.Timer(self._settings.stop_seconds, os._exit, (EXIT_FAULT,))
        deadline.daemon = True
        deadline.start()
        if self._refreshing is not None:
            self._refreshing.cancel()
        await self.lag.stop()
        await self.source.stop()
        await self._appraisal.stop()
        self._thread.shutdown(wait=False, cancel_futures=True)


def fatal(error: BaseException) -> None:
    """End the process over an error that nobody foresaw: a fresh one begins from the last committed offset."""
    _log.critical("the worker cannot go on", exc_info=error)
    os._exit(EXIT_FAULT)


def _traces(topic: str) -> "TransactionTraces | None":
    tracer = tracing.tracer("terrafusion-processor")
    if tracer is None:
        return None
    from processor.tracing import TransactionTraces  # noqa: PLC0415 - start-up time

    return TransactionTraces(tracer, topic)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _version() -> str:
    try:
        return version("terrafusion-sync")
    except PackageNotFoundError:
        return "unknown"
