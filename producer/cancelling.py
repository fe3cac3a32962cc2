"""Finds out, now and then, whether somebody has cancelled a batch that is being published."""

import time
from typing import Final

from producer.view.base import View

_LOOK_SECONDS: Final = 1.0


class Cancelling:
    """Watches one batch; asking is cheap, since the store is looked at once a second only."""

    def __init__(self, view: View, batch_id: str) -> None:
        self._view = view
        self._batch_id = batch_id
        self._looked = time.monotonic()

    async def cancelled(self) -> bool:
        """Return whether the batch was cancelled as of at most a second ago."""
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return False
        self._looked = now
        counts = await self._view.batch(self._batch_id)
        return counts is not None and counts.cancelled
