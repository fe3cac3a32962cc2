"""One lane: serves one partition for as long as this worker holds it, and starts again after whatever passes."""

import asyncio
import random
from dataclasses import asdict
from enum import StrEnum
from typing import Final

from aiokafka import TopicPartition

from processor.errors import Fenced, Halted, LaneError, RecordRefused
from processor.lanes.cancellation import leaked
from processor.lanes.committed import Committed
from processor.lanes.context import LaneContext
from processor.lanes.failures import translated
from processor.lanes.feed import Feed
from processor.lanes.history import Memory, remember
from processor.lanes.mover import Mover
from schemas.logs import get_logger

_FIRST_BACKOFF: Final = 0.2
_LAST_BACKOFF: Final = 5.0
_QUIET_SECONDS: Final = 10.0
"""A lane that ran this long before it failed starts over with the shortest pause."""
_SMALLEST_RECORD: Final = 16_384

_log = get_logger(__name__)


class LaneState(StrEnum):
    """How a lane stands."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    """Something failed that passes; the lane starts again."""
    HALTED = "halted"
    """Too many dead letters; people have to look."""
    FENCED = "fenced"
    """Another worker has taken the partition over."""
    ENDED = "ended"


class Lane:
    """Runs one partition until it is stopped, fenced or halted."""

    def __init__(self, partition: TopicPartition, feed: Feed, memory: Memory, context: LaneContext) -> None:
        self.partition = partition
        self.state = LaneState.STARTING
        self.why = ""
        """Why the lane is in its state, for people."""
        self.feed = feed
        self._memory = memory
        self._context = context
        self._record_limit = context.record_limit
        self._mover: Mover | None = None
        self._draining = asyncio.Event()

    @property
    def settled(self) -> int | None:
        """The offset up to which every request is settled; None before the lane knows."""
        if self._mover is not None and not self._mover.in_hand:
            return self.feed.position
        return self._memory.settled

    def drain(self) -> None:
        """Take nothing more; ``run`` returns when what is in hand has been committed."""
        self._draining.set()
        if self._mover is not None:
            self._mover.drain()

    async def run(self) -> None:
        """Serve the partition; raises nothing but cancellation."""
        failures, clock = 0, asyncio.get_running_loop().time
        while not self._draining.is_set():
            began = clock()
            try:
                await self._serve()
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - every error is classified
                if not self._outlives(error):
                    return
                failures = 1 if clock() - began > _QUIET_SECONDS else failures + 1
                await self._back_off(failures)
        self.state = LaneState.ENDED

    def _outlives(self, error: BaseException) -> bool:
        """Tell whether the lane starts again after an error; raises the lane's own cancellation."""
        if isinstance(error, asyncio.CancelledError):
            if not leaked():
                raise error
            error = ConnectionError("a broken connection cancelled a request")
        meaning = translated(error)
        if meaning is None:
            self._context.fatal(error)
            return False
        self._context.aborted(_reason(meaning))
        return self._goes_on(meaning)

    async def _serve(self) -> None:
        """Go through the order of things when a partition arrives, then move it until it is drained."""
        context = self._context
        book = context.book(self.partition, self._record_limit)
        try:
            async with asyncio.timeout(context.commit_seconds):
                await book.start()
                # Asked only now that earlier holders are fenced: before, one of them might still be committing.
                committed = await self._context.committed(self.partition)
                start, beginning = await self._start(committed)
            self._resolve_doubt(committed)
            await remember(self._memory, self.feed, beginning, start)
            self.feed.seek(start)
            self._mover = Mover(self.feed, self._memory, book, context, self._record_limit)
            self.state, self.why = LaneState.RUNNING, ""
            if self._draining.is_set():
                self._mover.drain()
            await self._mover.run()
        finally:
            self._mover = None
            await asyncio.shield(book.discard())

    async def _start(self, committed: Committed | None) -> tuple[int, int]:
        """Return the offset to begin at, and the first one that the log still has."""
        beginning, end = await self._context.bounds(self.partition)
        if committed is None or committed.offset < beginning:
            return beginning, beginning
        if committed.offset > end:
            _log.error("committed offset is beyond the log", partition=self.partition.partition, **asdict(committed))
            return beginning, beginning
        return committed.offset, beginning

    def _resolve_doubt(self, committed: Committed | None) -> None:
        """Count a transaction whose commit was in doubt if it was the last to commit; else its batch is valued again.

        Another worker's up to the same offset is not taken for it.
        """
        doubt, self._memory.doubt = self._memory.doubt, None
        if doubt is not None and committed is not None and doubt.mark == committed.mark:
            self._context.count(doubt.outcomes, 0.0)

    def _goes_on(self, error: LaneError) -> bool:
        """Tell whether the lane starts again after an error, and say how it stands."""
        self.why = str(error)
        partition = self.partition.partition
        if isinstance(error, Fenced):
            self.state = LaneState.FENCED
            _log.info("partition has moved", partition=partition)
            return False
        if isinstance(error, Halted):
            self.state = LaneState.HALTED
            _log.error("lane halted", partition=partition, why=self.why)
            return False
        if isinstance(error, RecordRefused):
            self._record_limit //= 2
            if self._record_limit < _SMALLEST_RECORD:
                self._context.fatal(error)
                return False
        self.state = LaneState.WAITING
        _log.warning("lane starts again", partition=partition, why=self.why)
        return True

    async def _back_off(self, failures: int) -> None:
        seconds = min(_LAST_BACKOFF, _FIRST_BACKOFF * 2 ** min(failures - 1, 10))
        try:
            async with asyncio.timeout(seconds * random.uniform(0.5, 1.0)):  # noqa: S311 - jitter, not a secret
                await self._draining.wait()
        except TimeoutError:
            return


def _reason(error: LaneError) -> str:
    cause = error.__cause__ or error
    return type(cause).__name__
