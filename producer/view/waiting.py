"""Who waits for the result of which job."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_Future = asyncio.Future[bytes]


class Waited:
    """One job's result, being waited for."""

    __slots__ = ("_future",)

    def __init__(self, future: _Future) -> None:
        self._future: Final = future

    async def wait(self, timeout_s: float) -> bytes | None:
        """Return the result event's JSON once it is visible; None when time is up."""
        done, _ = await asyncio.wait([self._future], timeout=timeout_s)
        return self._future.result() if done else None


class Waiters:
    """The results being waited for; one that nobody waits for costs one look into a dict."""

    def __init__(self) -> None:
        self._futures: dict[bytes, set[_Future]] = {}

    @contextmanager
    def expect(self, job_id: bytes) -> Iterator[Waited]:
        """Wait for a job from entering to leaving."""
        future: _Future = asyncio.get_running_loop().create_future()
        waiting = self._futures.setdefault(job_id, set())
        waiting.add(future)
        try:
            yield Waited(future)
        finally:
            future.cancel()
            waiting.discard(future)
            if not waiting and self._futures.get(job_id) is waiting:
                del self._futures[job_id]

    def tell(self, job_id: bytes, event: bytes) -> None:
        """Hand a result to whoever waits for it."""
        for future in self._futures.get(job_id, ()):
            if not future.done():
                future.set_result(event)
