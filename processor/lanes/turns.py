"""Turns at committing: a few lanes at a time.

When every lane commits whenever it can, the transactions share the broker and each takes many times as long; a request
then waits for half of the one under way and for all of its own. Taking turns, a lane waits as long, but with
everything that arrives meanwhile in hand, and its transaction is quick.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Lets a number of lanes commit at once; whoever waits longest is next.

    A turn ends by itself after ``seconds``: a lane whose broker is away must not hold the others up.
    """

    def __init__(self, at_once: int, seconds: float) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._seconds = seconds

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and have it for the length of the context."""
        await self._free.acquire()
        given_back = asyncio.Event()
        overdue = asyncio.get_running_loop().call_later(self._seconds, self._give_back, given_back)
        try:
            yield
        finally:
            overdue.cancel()
            self._give_back(given_back)

    def _give_back(self, given_back: asyncio.Event) -> None:
        if not given_back.is_set():
            given_back.set()
            self._free.release()
