"""Waiting for something to become true, with an end: tests never sleep for luck. And whether a process is gone."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import psutil

_LOOK_SECONDS: Final = 0.03


def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Return as soon as the condition holds; fail when it does not within the time."""
    assert came_true(condition, seconds), f"did not come true within {seconds} s"


def came_true(condition: Callable[[], object], seconds: float) -> bool:
    """Return True as soon as the condition holds, False when it does not within ``seconds``; blocks meanwhile."""
    end = time.monotonic() + seconds
    while True:
        if condition():
            return True
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK_SECONDS)


async def holds(condition: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Return True as soon as the condition holds, False when it does not within ``seconds``."""
    end = time.monotonic() + seconds
    while True:
        if await condition():
            return True
        if time.monotonic() > end:
            return False
        await asyncio.sleep(_LOOK_SECONDS)


async def comes_true(condition: Callable[[], object], seconds: float) -> bool:
    """Return True as soon as the condition holds, False when it does not within ``seconds``; others run meanwhile."""

    async def now() -> bool:
        return bool(condition())

    return await holds(now, seconds)


def gone(pid: int) -> bool:
    """Return whether no process has this id, or only one that nobody has asked after yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
