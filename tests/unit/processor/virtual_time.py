"""An event loop whose clock jumps to the next timer instead of waiting for it: hours of pauses pass in no time.

Nothing may come from outside (sockets, threads). When nothing is due any more but something is still awaited, the loop
says so, where a real one would wait for ever.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class DeadlockError(RuntimeError):
    """Something is awaited that nothing will bring about."""


class _Impatient(selectors.DefaultSelector):
    """Selects what is there, and passes the time that it should have waited for more."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if not found:
            if timeout is None:
                raise DeadlockError("nothing is due any more")
            self.passed += max(timeout, 0.0)
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs coroutines in virtual time, which begins at 0."""

    def __init__(self) -> None:
        self._impatient = _Impatient()
        super().__init__(self._impatient)

    def time(self) -> float:
        """Return the virtual time, seconds."""
        return self._impatient.passed

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine to its end."""
        return self.run_until_complete(work)


def run_virtually(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end in a virtual time of its own."""
    loop = VirtualLoop()
    try:
        return loop.run(work)
    finally:
        loop.close()
