"""Joins the consumer group and keeps one lane for every partition that the group gives this worker.

The group's consumer serves membership and committed offsets alone, its partitions paused; the lanes are fed by a
``Fetcher``. Kafka being away, at the start or later, is waited out: the process stays up and says that it is not ready.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from processor.lanes.cancellation import leaked
from processor.lanes.committed import Committed, last_commit
from processor.lanes.context import LaneContext
from processor.lanes.ends import Ends
from processor.lanes.failures import translated
from processor.lanes.fetcher import Fetcher
from processor.lanes.history import Memory
from processor.lanes.lane import Lane, LaneState
from schemas.logs import get_logger

_BACKOFF_SECONDS: Final = 1.0
_DRAIN_SECONDS: Final = 5.0
"""How long a rebalance waits for the batches in hand; what is not committed then is abandoned."""
_REVIVAL: Final = 1.5
"""A fenced lane whose partition is still ours after so many session timeouts was fenced by a zombie, not an heir."""

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Membership:
    """How a worker takes part in its group."""

    topic: str
    group: str
    instance_id: str | None
    session_timeout_ms: int
    window: int


@dataclass(slots=True)
class _Running:
    lane: Lane
    task: asyncio.Task[None]
    fenced_at: float | None = None


class LaneSource(ConsumerRebalanceListener):  # type: ignore[misc]
    """Owns the membership and the lanes of one worker."""

    def __init__(
        self,
        client_options: Mapping[str, Any],
        membership: Membership,
        context: Callable[["LaneSource"], LaneContext],
        gate: Callable[[], Awaitable[None]],
    ) -> None:
        self._options = client_options
        self._membership = membership
        self._gate = gate
        self.ends = Ends(client_options)
        self._fetcher = Fetcher(client_options, self.ends)
        self._consumer: AIOKafkaConsumer | None = None
        self._running: dict[TopicPartition, _Running] = {}
        self._memories: dict[TopicPartition, Memory] = {}
        self._task: asyncio.Task[None] | None = None
        self._context = context(self)
        self.joined = False
        """Whether the group has given this worker its partitions, be they none."""
        self.why = "starting"
        """Why the worker has not joined, for people."""

    @property
    def lanes(self) -> Collection[Lane]:
        """The lanes of the partitions held now."""
        return [running.lane for running in self._running.values()]

    def start(self) -> None:
        """Begin to join the group, as soon as the gate opens and Kafka is there; returns at once."""
        self._task = asyncio.create_task(self._run())

    async def stop(self, seconds: float = _DRAIN_SECONDS) -> None:
        """Finish what is in hand, at most ``seconds``, then leave the group and close every connection."""
        await self._end_lanes(list(self._running), seconds)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._leave()
        await self._fetcher.stop()
        await self.ends.stop()

    async def committed(self, partition: TopicPartition) -> Committed | None:
        """Return what the group has committed for a partition."""
        if self._consumer is None:
            raise ConnectionError("not a member of the group")
        return await last_commit(self._consumer._coordinator, self._membership.group, partition)  # noqa: SLF001 - see there

    async def _run(self) -> None:
        connected = False
        while True:
            try:
                if not connected:
                    self.why = "waiting for the roll"
                    await self._gate()
                    self.why = "waiting for Kafka"
                    await self._connect()
                    connected = True
                await self._take_part()
            except asyncio.CancelledError:
                if not leaked():
                    raise
                await self._fall_back("a broken connection cancelled a request")
            except Exception as error:  # noqa: BLE001 - every error is classified, none is passed over
                meaning = translated(error)
                if meaning is None:
                    self._context.fatal(error)
                    return
                await self._fall_back(str(meaning))

    async def _fall_back(self, why: str) -> None:
        """Give the membership up, to join again in a moment."""
        self.joined, self.why = False, why
        _log.warning("out of the group", why=why)
        await self._leave()
        await asyncio.sleep(_BACKOFF_SECONDS)

    async def _connect(self) -> None:
        await self.ends.start(self._membership.topic)
        await self._fetcher.start(self._membership.topic)

    async def _take_part(self) -> None:
        """Join, and look after the lanes for as long as the membership lasts."""
        membership = self._membership
        self._consumer = AIOKafkaConsumer(
            **self._options,
            group_id=membership.group,
            group_instance_id=membership.instance_id,
            session_timeout_ms=membership.session_timeout_ms,
            heartbeat_interval_ms=membership.session_timeout_ms // 4,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            partition_assignment_strategy=(StickyPartitionAssignor,),
            max_partition_fetch_bytes=1,
        )
        self._consumer.subscribe([membership.topic], listener=self)
        await self._consumer.start()
        self.joined, self.why = True, ""
        while True:
            # Brings no records, the partitions are paused; it is where aiokafka raises what befell the membership.
            await self._consumer.getmany(timeout_ms=1_000)
            self._revive()

    async def _leave(self) -> None:
        await self._end_lanes(list(self._running), 0.0)
        consumer, self._consumer = self._consumer, None
        self.joined = False
        if consumer is not None:
            try:
                await consumer.stop()
            except (Exception, asyncio.CancelledError) as error:
                _log.warning("left the group without a word", error=repr(error))
                if isinstance(error, asyncio.CancelledError) and not leaked():
                    raise

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Finish or abandon what is in hand of the partitions; nothing of them is written afterwards."""
        await self._end_lanes([partition for partition in revoked if partition in self._running], _DRAIN_SECONDS)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Start a lane for each partition. It must not be waited for here: its offset fetch would deadlock."""
        if self._consumer is not None and assigned:
            self._consumer.pause(*assigned)
        for partition in assigned:
            self._start_lane(partition)
        _log.info("partitions assigned", partitions=sorted(partition.partition for partition in assigned))

    def _start_lane(self, partition: TopicPartition) -> None:
        memory = self._memories.setdefault(partition, Memory(self._membership.window))
        lane = Lane(partition, self._fetcher.open(partition), memory, self._context)
        self._running[partition] = _Running(lane, asyncio.create_task(lane.run()))

    async def _end_lanes(self, partitions: Collection[TopicPartition], seconds: float) -> None:
        ending = [self._running.pop(partition) for partition in partitions]
        for running in ending:
            running.lane.drain()
        tasks = {running.task for running in ending}
        if tasks and seconds:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for running in ending:
            self._fetcher.close(running.lane.feed)

    def _revive(self) -> None:
        """Start fenced lanes again whose partitions stayed ours: an heir would have taken them from us by now."""
        now = time.monotonic()
        patience = _REVIVAL * self._membership.session_timeout_ms / 1000
        for partition, running in list(self._running.items()):
            if running.lane.state is LaneState.FENCED:
                running.fenced_at = running.fenced_at or now
                if now - running.fenced_at > patience:
                    self._fetcher.close(running.lane.feed)
                    self._start_lane(partition)
