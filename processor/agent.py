"""The agent: the only place where Faust hands out work. It takes batches off a channel and answers each of them.

A batch that nobody answers must not be waited for in vain: ``Desk`` is where lanes leave batches, and it closes, with
everything on it, when the agent ends for whatever reason.
"""

import asyncio
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

from processor.batch import Batch, Outcomes
from processor.errors import AgentGone
from processor.handler import Collaborators, Work, begin, complete, gather
from processor.pace import Pace

_UNANSWERED_SECONDS: Final = 300.0
"""A batch is sized for a fraction of a second; one that takes this long will never be answered."""

_SLICE: Final = 1_000
"""Requests to handle in the event loop between two of its turns: some 5 ms."""


class Channel(Protocol):
    """Where batches travel from lanes to the agent: a Faust channel, or a queue in tests."""

    async def put(self, value: Any) -> Any:
        """Leave a batch; waits while the channel is full."""
        ...


class Desk:
    """Where lanes leave batches for the agent and wait for the outcomes."""

    def __init__(self, channel: Channel, unanswered_seconds: float = _UNANSWERED_SECONDS) -> None:
        self._channel = channel
        self._patience = unanswered_seconds
        self._open: set[Batch] = set()
        self._closed: str | None = None

    async def submit(self, batch: Batch) -> Outcomes:
        """Have a batch handled; raises ``AgentGone`` if nobody will, and whatever the handler raised."""
        if self._closed is not None:
            raise AgentGone(self._closed)
        self._open.add(batch)
        try:
            async with asyncio.timeout(self._patience):
                await self._channel.put(batch)
                return await batch.answer
        except TimeoutError:
            raise AgentGone(f"a batch was not answered for {self._patience:g} s") from None
        finally:
            self._open.discard(batch)

    def close(self, why: str) -> None:
        """Fail every batch on the desk, and all that are still to come."""
        self._closed = why
        for batch in tuple(self._open):
            batch.fail(AgentGone(why))


class Valuer:
    """Handles batches, one at a time: in a thread, or without one slice by slice in the event loop.

    An engine may take its time and lets go of the interpreter lock where it computes: it belongs in the thread, and
    lanes commit meanwhile. What is all Python gains nothing there.
    """

    def __init__(
        self,
        using: Collaborators,
        catch_up: Callable[[], Awaitable[None]],
        pace: Pace,
        thread: ThreadPoolExecutor | None,
    ) -> None:
        self._using = using
        self._catch_up = catch_up
        self._pace = pace
        self._thread = thread
        self._waiting: set[asyncio.Task[None]] = set()

    async def take(self, batch: Batch) -> None:
        """Handle a batch. Returns once it is answered, or waits only for the roll, so that others get their turn."""
        try:
            works = await self._begin(batch)
        except Exception as error:  # noqa: BLE001 - the lane decides what becomes of it
            batch.fail(error)
            return
        if any(work.missing for work in works):
            task = asyncio.create_task(self._complete(batch, works))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
        else:
            batch.settle(gather(works))

    async def _begin(self, batch: Batch) -> list[Work]:
        if self._thread is not None:
            loop = asyncio.get_running_loop()
            return [await loop.run_in_executor(self._thread, self._work, batch, 0, len(batch.records))]
        works = []
        for first in range(0, len(batch.records), _SLICE):
            if first:
                await asyncio.sleep(0)
            works.append(self._work(batch, first, _SLICE))
        return works

    def _work(self, batch: Batch, first: int, count: int) -> Work:
        records = batch.records[first : first + count]
        # The thread's own time: in the thread, the clock also shows how long it waited for the event loop.
        started = time.thread_time()
        work = begin(batch, records, first, self._using)
        self._pace.observe(len(records), time.thread_time() - started)
        return work

    async def _complete(self, batch: Batch, works: Sequence[Work]) -> None:
        """Answer a batch that has properties which the roll did not hold, once it is known to be complete."""
        try:
            await self._catch_up()
            loop = asyncio.get_running_loop()
            for work in works:
                if work.missing:
                    await loop.run_in_executor(self._thread, complete, work, batch, self._using)
            batch.settle(gather(works))
        except asyncio.CancelledError:
            batch.fail(AgentGone("the roll is no longer followed"))
            raise
        except Exception as error:  # noqa: BLE001 - the lane decides what becomes of it
            batch.fail(error)


async def answer_batches(batches: AsyncIterable[Batch], valuer: Valuer, desk: Desk) -> None:
    """Answer every batch of a stream; when it ends, whoever waits for an answer learns of it."""
    why = "the agent returned"
    try:
        async for batch in batches:
            await valuer.take(batch)
    except BaseException as error:
        why = f"the agent ended: {error!r}"
        raise
    finally:
        desk.close(why)
