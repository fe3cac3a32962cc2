"""How long requests take to value, measured as they are valued, and how many to take at a time accordingly."""

from typing import Final

_LIGHT_SECONDS: Final = 20e-6
"""A request that costs less than this is valued in the event loop: a thread would cost more than it frees."""
_SLICE_SECONDS: Final = 0.006
"""How long the event loop may be kept from everything else at a time."""
_WEIGHT: Final = 0.3
_FIRST_GUESS: Final = 100e-6
_FIRST_BATCH: Final = 256


class Pace:
    """The running cost of one request, and what follows from it."""

    def __init__(self, *, max_records: int, batch_seconds: float) -> None:
        self._max_records = max_records
        self._batch_seconds = batch_seconds
        self._seconds: float | None = None

    def observe(self, requests: int, seconds: float) -> None:
        """Take note of what some requests cost; large batches tell more than small ones."""
        cost = seconds / requests
        if self._seconds is None:
            self._seconds = cost
        weight = _WEIGHT * min(1.0, requests / 64)
        self._seconds += weight * (cost - self._seconds)

    @property
    def batch(self) -> int:
        """How many requests to value at a time."""
        if self._seconds is None:
            return min(self._max_records, _FIRST_BATCH)
        return max(1, min(self._max_records, int(self._batch_seconds / max(self._seconds, 1e-9))))

    @property
    def slice(self) -> int | None:
        """How many requests to value in the event loop at a time; None: they are better off in a thread."""
        seconds = _FIRST_GUESS if self._seconds is None else self._seconds
        return max(1, int(_SLICE_SECONDS / max(seconds, 1e-9))) if seconds < _LIGHT_SECONDS else None
