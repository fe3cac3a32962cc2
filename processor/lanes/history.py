"""What a worker remembers of a partition: how far it is settled, which jobs lately, and a commit left in doubt.

Every record before the committed offset is settled, so that the dedupe window is read back from the requests
themselves: no further topic, no state to keep. What was remembered when a partition left is kept for its return.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from processor.batch import Outcomes
from processor.dedupe import WINDOW_SIZE, Window, job_numbers
from processor.lanes.feed import Feed
from schemas.codec import peek_job_id

_PART: Final = 2_000
"""Records to read back between two turns of the event loop."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A transaction of which nobody knows whether it has committed."""

    mark: str
    """What it would have written beside the offset that it commits."""
    outcomes: Sequence[Outcomes]


@dataclass(slots=True)
class Memory:
    """One partition as this worker last knew it."""

    window_size: int = WINDOW_SIZE
    window: Window = field(init=False)
    settled: int | None = None
    """The window holds the jobs of the requests before this offset; None: it holds nothing."""
    doubt: Doubt | None = None

    def __post_init__(self) -> None:
        self.window = Window(self.window_size)


async def remember(memory: Memory, feed: Feed, beginning: int, start: int) -> None:
    """Bring the window up to the offset ``start``, reading only what it does not hold yet.

    The feed is left anywhere; raises what the feed raises.
    """
    if memory.settled is not None and beginning <= memory.settled <= start:
        await _go_on(memory, feed, memory.settled, start)
    else:
        await _read_back(memory, feed, beginning, start)
    memory.settled = start


async def _go_on(memory: Memory, feed: Feed, settled: int, start: int) -> None:
    """Read what is missing, part by part; whoever is interrupted must not enter a request again the next time.

    Entered twice, a request would push an older one out of the window before its time.
    """
    async for position in _read(memory, feed, settled, start):
        memory.settled = min(position, start)


async def _read_back(memory: Memory, feed: Feed, beginning: int, start: int) -> None:
    """Fill an empty window; reach further back while gaps (markers, aborted transactions) leave it short."""
    span = memory.window_size
    while True:
        memory.window, memory.settled = Window(memory.window_size), None
        first = max(beginning, start - span)
        async for _ in _read(memory, feed, first, start):
            pass
        if first == beginning or len(memory.window) >= memory.window_size:
            return
        span *= 4


async def _read(memory: Memory, feed: Feed, first: int, start: int) -> AsyncIterator[int]:
    """Enter the jobs from ``first`` on, and yield after each part up to where that was."""
    if first >= start:
        return
    topic, partition = feed.partition
    feed.seek(first)
    while feed.position < start:
        await feed.wait()
        seen = []
        for record in feed.take(_PART):
            if record.offset < start:
                job_id = peek_job_id(
                    record.value, key=record.key, topic=topic, partition=partition, offset=record.offset
                )
                if job_id is not None:
                    seen.append(job_id)
        memory.window.add(job_numbers(seen))
        yield feed.position
        await asyncio.sleep(0)
