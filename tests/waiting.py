"""Waiting for something to become true, with a deadline and a reason: tests never sleep for luck."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

_LOOK_SECONDS: Final = 0.05


async def holds(condition: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Return True as soon as the condition holds, False when it does not within ``seconds``."""
    end = time.monotonic() + seconds
    while True:
        if await condition():
            return True
        if time.monotonic() > end:
            return False
        await asyncio.sleep(_LOOK_SECONDS)


def came_true(condition: Callable[[], bool], seconds: float) -> bool:
    """Return True as soon as the condition holds, False when it does not within ``seconds``; blocks meanwhile."""
    end = time.monotonic() + seconds
    while True:
        if condition():
            return True
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK_SECONDS)
