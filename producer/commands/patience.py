"""Waits through a gateway that is away for a while: what is being followed goes on without it, or with the next one."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

PATIENCE_S: Final = 60.0
"""Seconds without any answer after which a command gives up."""
_PAUSE_S: Final = 0.5
_T = TypeVar("_T")


def _nothing(_away: bool) -> None:  # noqa: FBT001 - as the callers' own
    """Tell nobody."""


async def patiently(
    ask: Callable[[], Awaitable[_T]], told: Callable[[bool], None] = _nothing, *, seconds: float = PATIENCE_S
) -> _T:
    """Return the first answer to ``ask``; ``told`` hears whether the gateway is away.

    Raises:
        GatewayAway: there was none within ``seconds``.
    """
    from producer.client import GatewayAway  # noqa: PLC0415 - start-up time

    end = time.monotonic() + seconds
    while True:
        try:
            answer = await ask()
        except GatewayAway:
            if time.monotonic() >= end:
                raise
            told(True)  # noqa: FBT003 - the one thing it is told
            await asyncio.sleep(_PAUSE_S)
        else:
            told(False)  # noqa: FBT003 - the same
            return answer
