"""Moves a partition's requests through the agent into transactions, from a committed offset until told to stop.

With a backlog it values ahead while a transaction commits, and what has been valued by the time the next one begins
goes into it together. Without one, what comes while the lane waits for its turn is left to gather, and is valued when
the turn comes: a batch a transaction, where a batch for every fetch would cost several times as much.
"""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from secrets import token_hex
from typing import Any, Final

from processor.batch import Batch, Outcomes, Row
from processor.dedupe import Sightings
from processor.errors import AgentGone
from processor.lanes.context import Book, LaneContext
from processor.lanes.feed import Feed
from processor.lanes.history import Doubt, Memory
from processor.lanes.limits import DeadLetterWatch

_MARK_BYTES: Final = 8
_MOMENT_SECONDS: Final = 0.005
"""How long a turn is held up for the valuing of what has gathered; what takes longer is for the next one."""


@dataclass(frozen=True, slots=True)
class Valued:
    """A batch with its outcomes, waiting for its transaction."""

    batch: Batch
    outcomes: Outcomes


class Mover:
    """One run of a lane; a failure ends it, and the next run begins at the committed offset."""

    def __init__(self, feed: Feed, memory: Memory, book: Book, context: LaneContext, record_limit: int) -> None:
        self._feed = feed
        self._memory = memory
        self._book = book
        self._context = context
        self._watch = DeadLetterWatch(context.limits)
        self._record_limit = record_limit
        self._sightings = Sightings(memory.window)
        self._tickets = count()
        self._ready: asyncio.Queue[Valued | Exception | None] = asyncio.Queue()
        self._draining = asyncio.Event()
        self._uncommitted = 0
        self._room = asyncio.Event()
        self._called = False
        """Whether what has gathered is to be valued now."""
        self._took = asyncio.Event()
        self.in_hand = 0
        """Records taken from the feed and not settled yet."""

    def drain(self) -> None:
        """Take nothing more; ``run`` returns once everything in hand has been committed."""
        self._draining.set()

    async def run(self) -> None:
        """Move the partition until drained; raises what went wrong, and then nothing in hand will be written."""
        valuing = asyncio.create_task(self._value())
        try:
            while await self._commit_next():
                pass
        finally:
            valuing.cancel()
            try:
                await asyncio.wait({valuing})
            finally:  # who is cancelled while it cleans up must not keep what all lanes share
                self._context.budget.give(self.in_hand)

    async def _value(self) -> None:
        """Put valued batches in line until drained, then None; an error takes a batch's place in the line."""
        try:
            while await self._may_take():
                await self._value_next()
        except asyncio.CancelledError:
            # By ``run``, which no longer listens; or by whoever owed an answer, and then it must not wait for more.
            self._ready.put_nowait(AgentGone("the answer was cancelled"))
            raise
        except Exception as error:  # noqa: BLE001 - raised again by _commit_next, in its turn
            self._ready.put_nowait(error)
        else:
            self._ready.put_nowait(None)

    async def _value_next(self) -> None:
        batch = await self._take()
        if batch is not None:
            outcomes = await self._context.desk.submit(batch)
            self._uncommitted += len(batch.records)
            self._ready.put_nowait(Valued(batch, outcomes))
        self._called = False
        self._took.set()

    async def _may_take(self) -> bool:
        """Wait until there are requests to take and room for them; False when the lane is to drain."""
        while not self._draining.is_set():
            if self._uncommitted >= self._context.max_records:
                self._room.clear()
                await self._first_of(self._room.wait())
            elif self._gathers:
                self._room.clear()
                await self._first_of(self._room.wait(), self._feed.wait_for_plenty())
            elif self._feed.ready:
                break
            else:
                await self._first_of(self._feed.wait())
                break
        return not self._draining.is_set()

    @property
    def _gathers(self) -> bool:
        """Whether what there is to take may wait for more: something waits for its turn already, and will call."""
        return self._uncommitted > 0 and not (self._called or self._feed.plenty)

    async def _first_of(self, *wanted: Coroutine[Any, Any, object]) -> None:
        """Wait for one of some things, or for the order to drain."""
        tasks = [asyncio.ensure_future(one) for one in (*wanted, self._draining.wait())]
        try:
            for done in (await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED))[0]:
                done.result()
        finally:
            for task in tasks:
                task.cancel()

    async def _take(self) -> Batch | None:
        wanted = min(self._context.pace.batch, self._context.max_records)
        granted = await self._context.budget.take(wanted)
        self.in_hand += granted
        try:
            records = self._feed.take(granted)
        except BaseException:
            self._return(granted)
            raise
        self._return(granted - len(records))
        if not records:
            return None
        topic, partition = self._feed.partition
        return Batch(topic, partition, records, self._sightings, next(self._tickets), self._record_limit)

    def _return(self, records: int) -> None:
        self.in_hand -= records
        self._context.budget.give(records)

    async def _commit_next(self) -> bool:
        """Commit what is ready; False when the lane has drained. Keeps nothing of it: a lane may wait for long."""
        first = await self._ready.get()
        if isinstance(first, Exception):
            raise first
        if first is None:
            return False
        async with self._context.turns.turn():
            await self._call()
            await self._commit([first, *self._ready_too()])
        return True

    async def _call(self) -> None:
        """Have what has gathered valued, and wait for it for a moment."""
        full = self._uncommitted >= self._context.max_records
        if full or not self._feed.ready or not self._gathers or self._draining.is_set():
            return
        self._took.clear()
        self._called = True
        self._room.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_MOMENT_SECONDS):
                await self._took.wait()

    def _ready_too(self) -> Iterator[Valued]:
        """Yield what has been valued meanwhile; what ends the line stays in it."""
        while not self._ready.empty():
            item = self._ready.get_nowait()
            if not isinstance(item, Valued):
                self._ready.put_nowait(item)
                return
            yield item

    async def _commit(self, valued: Sequence[Valued]) -> None:
        for each in valued:
            self._watch.admit(each.outcomes.records, each.outcomes.dead_positions)
        next_offset = valued[-1].batch.next_offset
        outcomes = [each.outcomes for each in valued]
        rows: dict[str, Sequence[Row]] = {
            self._context.results: [row for each in outcomes for row in each.results],
            self._context.dead_letters: [row for each in outcomes for row in each.dead_letters],
        }
        began = time.perf_counter()
        mark = token_hex(_MARK_BYTES)
        self._memory.doubt = Doubt(mark, outcomes)
        async with asyncio.timeout(self._context.commit_seconds):
            await self._book.write({topic: some for topic, some in rows.items() if some}, next_offset, mark)
        self._memory.doubt = None
        self._settle(valued, next_offset)
        self._context.count(outcomes, time.perf_counter() - began)

    def _settle(self, valued: Sequence[Valued], next_offset: int) -> None:
        for each in valued:
            self._sightings.settle(each.batch.ticket)
        records = sum(len(each.batch.records) for each in valued)
        self._memory.settled = next_offset
        self._uncommitted -= records
        self._room.set()
        self._return(records)
