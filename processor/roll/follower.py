"""Keeps the roll current: reads the compacted topics without a group for as long as the worker runs.

Where there is a snapshot it reads on from there, else from the start.

Kafka being away is no error: the roll stays as it was and the follower returns where it left off. Topics that are no
longer the ones that were read (deleted and created again, another cluster) are read again from the start, while
readers keep the old state.
"""

import asyncio
import random
import time
from asyncio import Event, Future, Task
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from processor.roll.errors import BadRecord, PositionsLost, SnapshotRefused, TopicsMissing
from processor.roll.keeper import SnapshotKeeper
from processor.roll.positions import Positions
from processor.roll.roll import PropertyRoll
from processor.roll.serving import ServingModels
from processor.roll.snapshots import RollSnapshots
from processor.roll.source import Source
from schemas.topics import Topics

_FIRST_BACKOFF: Final = 0.1
_LONGEST_BACKOFF: Final = 5.0
_CHECK_SECONDS: Final = 10.0

Batch = Mapping[TopicPartition, list[ConsumerRecord]]
OpenSource = Callable[[Topics, Mapping[str, Any]], AbstractAsyncContextManager[Source]]

_log = structlog.get_logger(__name__)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class RollFollower:
    """Applies ``property.records``, ``property.sales`` and ``valuation.models`` to the roll and the serving models."""

    def __init__(  # noqa: PLR0913 - collaborators, and what tests replace
        self,
        roll: PropertyRoll,
        models: ServingModels,
        topics: Topics,
        client_options: Mapping[str, Any],
        *,
        snapshots: RollSnapshots | None = None,
        check_seconds: float = _CHECK_SECONDS,
        wall_ms: Callable[[], int] = _wall_ms,
        open_source: OpenSource = Source.open,
    ) -> None:
        self._roll = roll
        self._models = models
        self._topics = topics
        self._options = client_options
        self._check_seconds = check_seconds
        self._wall_ms = wall_ms
        self._open_source = open_source
        self._positions = Positions()
        self._keeper = SnapshotKeeper(roll, models, snapshots)
        self._asking: list[Future[None]] = []
        self._asked = Event()
        self._loaded: Future[None] | None = None
        self._reload_pending = False
        self._task: Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether everything the topics held when the follower started, or had to start over, is applied."""
        return self._loaded is not None and _succeeded(self._loaded)

    @property
    def failure(self) -> BaseException | None:
        """What ended the follower though nobody stopped it: a defect, after which the roll is no longer current."""
        done = self._task is not None and self._task.done() and not self._task.cancelled()
        return self._task.exception() if done and self._task is not None else None

    async def start(self) -> None:
        """Begin to follow; returns at once, also while Kafka is away."""
        self._loaded = self._ask()
        self._task = asyncio.create_task(self._run(), name="roll-follower")
        self._task.add_done_callback(self._release_waiters)

    async def stop(self) -> None:
        """Stop following; the roll stays as it is, and whoever waits in ``catch_up`` is cancelled."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._keeper.settle()

    async def wait_ready(self) -> None:
        """Return once ``ready``."""
        while not self.ready and self._loaded is not None:
            await asyncio.shield(self._loaded)

    async def catch_up(self) -> None:
        """Return when everything is applied that the topics held as of this call; waits while Kafka is away."""
        await self._ask()

    def _ask(self) -> Future[None]:
        future: Future[None] = asyncio.get_running_loop().create_future()
        self._ask_again([future])
        if self._task is not None and self._task.done():
            self._release_waiters(self._task)
        return future

    def _ask_again(self, futures: list[Future[None]]) -> None:
        self._asking += [future for future in futures if not future.done()]
        self._asked.set()

    def _release_waiters(self, task: Task[None]) -> None:
        waiting, self._asking = [*self._asking, *self._positions.reset()], []
        for future in waiting:
            if task.cancelled() or (error := task.exception()) is None:
                future.cancel()
            elif not future.done():
                future.set_exception(error)
                future.exception()  # seen: whoever waits gets it, and nobody has to

    async def _run(self) -> None:
        backoff = _FIRST_BACKOFF
        while True:
            try:
                async with self._open_source(self._topics, self._options) as source:
                    backoff = _FIRST_BACKOFF
                    await self._follow(source)
            except (PositionsLost, OffsetOutOfRangeError, SnapshotRefused) as error:
                _log.warning("what was read of the roll holds no more; reading the topics again", cause=str(error))
                self._start_over()
            except (KafkaError, TopicsMissing, OSError) as error:
                _log.info("cannot follow the topics of the roll; trying again", cause=str(error), seconds=backoff)
            except asyncio.CancelledError:
                if _is_being_cancelled():
                    raise
                _log.info("a broken connection cancelled a request; trying again", seconds=backoff)
            await asyncio.sleep(backoff * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            backoff = min(2 * backoff, _LONGEST_BACKOFF)

    async def _follow(self, source: Source) -> None:
        """Read and apply until something breaks or the topics gain partitions."""
        await self._keeper.resume(source, self._positions)
        self._positions.advance(await source.seek(self._positions.next, self._positions.latest_ms), {})
        asking = asyncio.create_task(self._answer_askers(source), name="roll-ends")
        check_at = time.monotonic() + self._check_seconds
        try:
            while not asking.done():
                await self._read_on(source)
                if time.monotonic() >= check_at:
                    check_at = time.monotonic() + self._check_seconds
                    await source.check(self._positions.next, self._positions.latest_ms)
                    await self._offer_snapshot()
                    if source.outgrown():
                        return
            asking.result()
        finally:
            asking.cancel()
            await asyncio.wait([asking])
            _ = asking.cancelled() or asking.exception()  # seen: it is raised above, or came too late to matter

    async def _offer_snapshot(self) -> None:
        if self.ready and not self._reload_pending:
            await self._keeper.offer(self._positions)

    async def _read_on(self, source: Source) -> None:
        batch = await source.read()
        if batch:
            await asyncio.to_thread(self._apply, batch)
        positions = await source.positions()
        now = self._wall_ms()
        moved = {partition: now for partition, end in positions.items() if self._positions.next.get(partition) != end}
        for partition, records in batch.items():
            moved[partition] = max(now, *(record.timestamp for record in records))
        self._positions.advance(positions, moved)
        self._finish_reload()

    async def _answer_askers(self, source: Source) -> None:
        """Give everybody who asks the ends as of now to wait for; many who ask at once share one answer."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            asking, self._asking = self._asking, []
            try:
                ends = await source.ends()
            except BaseException:
                self._ask_again(asking)
                raise
            self._positions.wait_for(ends, asking)

    def _apply(self, batch: Batch) -> None:
        for partition, records in batch.items():
            pairs = [(record.key, record.value) for record in records]
            if partition.topic == self._topics.property_records.name:
                self._roll.apply_properties(pairs)
            elif partition.topic == self._topics.property_sales.name:
                self._roll.apply_sales(pairs)
            else:
                self._apply_models(pairs)

    def _apply_models(self, pairs: list[tuple[bytes | None, bytes | None]]) -> None:
        for key, value in pairs:
            try:
                self._models.apply(key, value)
            except BadRecord as error:
                self._roll.reject("model", error.reason, key)

    def _start_over(self) -> None:
        self._roll.begin_reload()
        self._models.begin_reload()
        self._reload_pending = True
        self._ask_again(self._positions.reset())
        if self._loaded is None or self._loaded.done():
            self._loaded = self._ask()

    def _finish_reload(self) -> None:
        if self._reload_pending and self.ready:
            self._reload_pending = False
            self._roll.finish_reload()
            self._models.finish_reload()


def _is_being_cancelled() -> bool:
    """Tell a cancellation of this task from one that leaks out of aiokafka when a connection breaks."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _succeeded(future: Future[None]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
