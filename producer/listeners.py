"""Who is listening to the gateway without end, so that its stop can end them in good order."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Listeners:
    """Handlers that run until their client leaves."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()
        self._stopping = False

    @contextmanager
    def until_stopped(self) -> Iterator[None]:
        """Run the body until it ends, or leave it quietly when ``stop`` is called."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("there is no task to end")
        self._tasks.add(task)
        if self._stopping:
            task.cancel()
        try:
            yield
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            task.uncancel()
        finally:
            self._tasks.discard(task)

    def stop(self) -> None:
        """End everybody's body, now and from now on."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
