"""The gateway's view of the topics, put together: follower, overlay, store, waiters and live feed."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from typing import Final, TypeGuard
from uuid import UUID

import structlog

from producer.acknowledged import Acknowledged
from producer.store.base import (
    DEFAULT_LIMIT,
    BatchCounts,
    BatchPage,
    JobFilter,
    JobRow,
    JobStore,
    NewBatch,
    Page,
)
from producer.store.documents import with_result
from producer.store.errors import StoreError, StoreUnavailable
from producer.store.outcomes import FIRST_FINAL
from producer.view.base import Awaited
from producer.view.catchup import CatchUp
from producer.view.feed import Feed
from producer.view.follower import Follower
from producer.view.keeper import Keeper
from producer.view.listener import Listener
from producer.view.live import LiveFilter, Subscription
from producer.view.log import Log, Replay
from producer.view.overlay import Overlay
from producer.view.settings import ViewSettings
from producer.view.taking import Taking
from producer.view.waiting import Waiters
from schemas.topics import Topics

_log = structlog.get_logger(__name__)

_STOP_S: Final = 5.0
_PRUNE_PAUSE_S: Final = 0.05
_OPEN_RETRY_S: Final = 1.0
_REPLAYS: Final = 8


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class JobView:
    """Jobs as the topics tell them; see ``View`` for what is promised.

    Args:
        store: where jobs are kept; opened and closed by the view.
        log: the requests and results topics.
        topics: their names.
        settings: bounds.
        now_ms: the clock that pruning goes by.
        acknowledged: how far the topics reach by what this gateway has published itself.
    """

    def __init__(  # noqa: PLR0913 - collaborators, bounds, clock
        self,
        store: JobStore,
        log: Log,
        topics: Topics,
        settings: ViewSettings | None = None,
        now_ms: Callable[[], int] = _now_ms,
        *,
        acknowledged: Acknowledged | None = None,
    ) -> None:
        self._store = store
        self._kafka = log
        self._results_topic = topics.results.name
        self._settings = settings or ViewSettings()
        self._now_ms = now_ms
        self._overlay = Overlay(topics.requests.name, topics.results.name)
        self._keeper = Keeper(store, self._overlay, self._settings)
        self._waiters = Waiters()
        self._feed = Feed()
        self._catch_up = CatchUp(lambda: log.ends([topics.requests.name]), acknowledged)
        self._follower = Follower(
            log=log,
            store=store,
            overlay=self._overlay,
            keeper=self._keeper,
            taking=Taking(topics.results.name, self._overlay, self._waiters, self._feed),
            catch_up=self._catch_up,
            feed=self._feed,
            results_topic=topics.results.name,
        )
        self._replays = asyncio.Semaphore(_REPLAYS)
        self._unopened: str | None = "the job store is not open yet"
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def ready(self) -> bool:
        """Whether the view has caught up once and is following now."""
        return self.trouble is None

    @property
    def trouble(self) -> str | None:
        """Return why the view is not ready."""
        trouble = self._unopened or self._keeper.trouble or self._follower.trouble
        if trouble is None and self._kafka.silent():
            trouble = "Kafka does not answer"
        if trouble is None and not self._follower.caught_up:
            trouble = f"the job view is {self.lag()} records behind"
        return trouble

    @property
    def listeners(self) -> int:
        """Number of listeners to the live feed."""
        return self._feed.listeners

    def lag(self) -> int:
        """Return how many offsets are not yet in the view."""
        return self._kafka.lag()

    async def start(self) -> None:
        """Begin, in the background."""
        self._tasks = [asyncio.create_task(self._run(), name="job-view")]

    async def stop(self) -> None:
        """Write what is in hand and let go."""
        if self._unopened is None and self._keeper.trouble is None:
            await self._keeper.flush(_STOP_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._catch_up.stop()
        await self._store.close()

    async def catch_up(self, timeout_s: float) -> bool:
        """Wait until the view holds every request that is on the topic now."""
        return await self._catch_up.wait(timeout_s)

    def expect(self, job_id: UUID) -> AbstractContextManager[Awaited]:
        """Wait for a job's result from now on."""
        return self._waiters.expect(job_id.bytes)

    @asynccontextmanager
    async def subscribe(self, wanted: LiveFilter, last_event_id: str | None = None) -> AsyncIterator[Subscription]:
        """Listen to committed results."""
        listener = Listener(self._feed, wanted, last_event_id, self._read_again, self._replays)
        try:
            yield listener
        finally:
            await listener.leave()

    async def job(self, job_id: UUID) -> bytes | None:
        """Return the job object."""
        row = self._overlay.job(job_id.bytes)
        if _final(row):
            return row.job
        stored = await self._store.job(job_id)
        return row.job if stored is None and row is not None else stored

    async def result(self, job_id: UUID) -> bytes | None:
        """Return the job object with its result."""
        row = self._overlay.job(job_id.bytes)
        if _final(row):
            return with_result(row.job, row.result)
        stored = await self._store.result(job_id)
        return with_result(row.job, None) if stored is None and row is not None else stored

    async def jobs(self, wanted: JobFilter, *, results: bool = False) -> Page:
        """List jobs, newest first; one that was read a moment ago is missing only while the store is slow."""
        if self._keeper.trouble is None:
            await self._keeper.flush(self._settings.listing_waits_s)
        return await self._store.jobs(wanted, results=results)

    async def idempotency(self, key_id: UUID) -> tuple[UUID, bytes] | None:
        """Return the job and the fingerprint of a key."""
        row = self._overlay.key(key_id.bytes)
        stored = await self._store.idempotency(key_id)
        if stored is None and row is not None:
            return UUID(bytes=row.job_id), row.fingerprint
        return stored

    async def batch(self, batch_id: str) -> BatchCounts | None:
        """Return one batch."""
        if self._keeper.trouble is None:
            await self._keeper.flush(self._settings.listing_waits_s)
        return await self._store.batch(batch_id)

    async def batches(
        self, *, county_id: str | None = None, limit: int = DEFAULT_LIMIT, cursor: str | None = None
    ) -> BatchPage:
        """List batches, newest first."""
        return await self._store.batches(county_id=county_id, limit=limit, cursor=cursor)

    async def create_batch(self, batch: NewBatch) -> None:
        """Announce a batch."""
        await self._store.create_batch(batch)

    async def cancel_batch(self, batch_id: str, *, now_ms: int) -> BatchCounts | None:
        """Mark a batch cancelled unless it has completed."""
        return await self._store.cancel_batch(batch_id, now_ms=now_ms)

    def _read_again(self, first: Mapping[int, int], last: Mapping[int, int]) -> Replay:
        topic = self._results_topic
        return self._kafka.between(
            {(topic, partition): at for partition, at in first.items()},
            {(topic, partition): at for partition, at in last.items()},
        )

    async def _run(self) -> None:
        await self._open()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keeper.run())
            tasks.create_task(self._follower.run())
            tasks.create_task(self._prune())

    async def _open(self) -> None:
        while self._unopened is not None:
            try:
                await self._store.open()
                self._unopened = None
            except StoreUnavailable as wrong:
                if str(wrong) != self._unopened:
                    _log.warning("The job store cannot be opened", reason=str(wrong))
                self._unopened = str(wrong)
                await asyncio.sleep(_OPEN_RETRY_S)

    async def _prune(self) -> None:
        while True:
            more = False
            with suppress(StoreError):
                more = (await self._store.prune(self._settings.retention, now_ms=self._now_ms())).more
            await asyncio.sleep(_PRUNE_PAUSE_S if more else self._settings.prune_interval_s)


def _final(row: JobRow | None) -> TypeGuard[JobRow]:
    return row is not None and row.outcome >= FIRST_FINAL
