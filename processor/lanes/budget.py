"""One budget of records in hand for the whole worker, so that twelve partitions cost no more memory than one.

The slower requests are valued the larger their results, as a rule, and the sooner there is work enough at hand: the
budget then is what a few batches take.
"""

import asyncio
from collections import deque
from collections.abc import Callable


class Budget:
    """Hands out shares of a fixed number of records; whoever waits longest is served first."""

    def __init__(self, records: int, enough: Callable[[], int] | None = None) -> None:
        self._records = records
        self._enough = enough
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def free(self) -> int:
        """How many records may still be taken in hand."""
        most = self._records if self._enough is None else min(self._records, self._enough())
        return most - self._taken

    async def take(self, wanted: int) -> int:
        """Take up to ``wanted`` records into hand; waits until there is room for at least one."""
        while self.free <= 0 or self._waiting:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except BaseException:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                else:
                    self._wake()
                raise
            if self.free > 0:
                break
        granted = min(wanted, self.free)
        self._taken += granted
        if self.free > 0:
            self._wake()
        return granted

    def give(self, records: int) -> None:
        """Return records to the budget."""
        self._taken -= records
        if self.free > 0:
            self._wake()

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
