"""Watches the lag of every lane from the outside, so that it is right, and noticed, when a lane is stuck."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from aiokafka import TopicPartition

from processor.lanes.cancellation import leaked
from processor.lanes.failures import translated
from processor.lanes.lane import LaneState
from schemas.logs import get_logger

_PERIOD: Final = 1.0
_ANSWER_SECONDS: Final = 5.0
_LONGEST_STEP: Final = 5.0
"""Time beyond this between two looks does not count as a stall: the process was suspended, not stuck."""

_log = get_logger(__name__)


@dataclass(slots=True)
class Stall:
    """How long a partition has stood still though there is something to do."""

    settled: int | None
    seconds: float = 0.0


class WatchedLane(Protocol):
    """What the watch needs of a lane."""

    @property
    def partition(self) -> TopicPartition:
        """The lane's partition."""
        ...

    @property
    def settled(self) -> int | None:
        """The offset up to which every request is settled."""
        ...

    @property
    def state(self) -> LaneState:
        """How the lane stands."""
        ...

    @property
    def why(self) -> str:
        """Why, for people."""
        ...


class WatchedEnds(Protocol):
    """Where the ends of partitions are asked."""

    async def last(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offset after the last record of each partition."""
        ...


class Watched(Protocol):
    """What the watch needs of the source."""

    @property
    def lanes(self) -> Collection[WatchedLane]:
        """The lanes held now."""
        ...

    @property
    def ends(self) -> WatchedEnds:
        """Where the ends of partitions are asked."""
        ...


class LagWatch:
    """Asks for the ends of the held partitions every second and compares them with what the lanes have settled."""

    def __init__(
        self,
        source: Watched,
        shown: Callable[[dict[int, int]], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._shown = shown
        self._now = now
        self._stalls: dict[TopicPartition, Stall] = {}
        self._task: asyncio.Task[None] | None = None
        self._looked = now()
        self.answered: float | None = None
        """When Kafka last answered (monotonic clock)."""

    @property
    def stalled_seconds(self) -> float:
        """How long the partition that is worst off has stood still."""
        return max((stall.seconds for stall in self._stalls.values()), default=0.0)

    def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Watch no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_PERIOD)
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await self.look()
            except asyncio.CancelledError:
                if not leaked():
                    raise
            except Exception as error:  # noqa: BLE001 - the watch outlives whatever it meets
                if translated(error) is None:
                    _log.error("the lag cannot be read", exc_info=error)

    async def look(self) -> None:
        """Ask once; raises what aiokafka raises when Kafka does not answer."""
        lanes = {lane.partition: lane for lane in self._source.lanes}
        ends = await self._source.ends.last(lanes) if lanes else {}
        now = self._now()
        step, self._looked, self.answered = min(now - self._looked, _LONGEST_STEP), now, now
        lags = {}
        for partition, lane in lanes.items():
            settled = lane.settled
            lag = max(0, ends[partition] - (settled or 0))
            lags[partition.partition] = lag
            stall = self._stalls.setdefault(partition, Stall(settled))
            if lag == 0 or settled != stall.settled or lane.state is LaneState.HALTED:
                stall.settled, stall.seconds = settled, 0.0
            else:
                stall.seconds += step
        for partition in self._stalls.keys() - lanes.keys():
            del self._stalls[partition]
        self._shown(lags)
