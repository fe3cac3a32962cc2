"""How long requests take to value, measured as they are valued, and how many to take at a time accordingly."""

from typing import Final

_WEIGHT: Final = 0.3
_TELLING: Final = 64
"""A batch of fewer requests says less about the cost of one."""
_FIRST_BATCH: Final = 256
_LEAST_BATCH: Final = 64
_BATCHES_IN_HAND: Final = 4


class Pace:
    """The running cost of one request, and how many of them fill a batch."""

    def __init__(self, *, max_records: int, batch_seconds: float) -> None:
        self._max_records = max_records
        self._batch_seconds = batch_seconds
        self._seconds: float | None = None

    def observe(self, requests: int, seconds: float) -> None:
        """Take note of what some requests cost together."""
        cost = max(seconds / requests, 1e-9)
        if self._seconds is None:
            self._seconds = cost
        self._seconds += _WEIGHT * min(1.0, requests / _TELLING) * (cost - self._seconds)

    @property
    def batch(self) -> int:
        """How many requests to value at a time so that it takes about ``batch_seconds``."""
        if self._seconds is None:
            return min(self._max_records, _FIRST_BATCH)
        return min(self._max_records, max(_LEAST_BATCH, int(self._batch_seconds / self._seconds)))

    def enough(self) -> int:
        """Return how many requests in hand keep valuing and committing busy."""
        return _BATCHES_IN_HAND * self.batch
