"""When to stop rather than drain the requests into the dead letters: a bad deploy makes every record look wrong."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from processor.errors import Halted


@dataclass(frozen=True, slots=True)
class DeadLetterLimits:
    """How many dead letters a partition may have."""

    consecutive: int
    percent: float
    sample: int


class DeadLetterWatch:
    """Counts the dead letters of one partition against the limits."""

    def __init__(self, limits: DeadLetterLimits) -> None:
        self._limits = limits
        self._in_a_row = 0
        self._recent: deque[tuple[int, int]] = deque()
        """Records and dead letters of the last batches, about a sample of them."""
        self._records = 0
        self._dead = 0

    def admit(self, records: int, dead: Sequence[int]) -> None:
        """Take note of a batch of ``records``, whose dead letters are at the positions ``dead``.

        Raises:
            Halted: with this batch there would be too many; it must not be written.
        """
        in_a_row = self._in_a_row
        last = -1
        for position in dead:
            in_a_row = in_a_row + 1 if position == last + 1 else 1
            last = position
            if in_a_row > self._limits.consecutive:
                raise Halted(f"more than {self._limits.consecutive} records in a row are no valid requests")
        self._in_a_row = in_a_row if dead and last == records - 1 else 0
        self._remember(records, len(dead))

    def _remember(self, records: int, dead: int) -> None:
        self._recent.append((records, dead))
        self._records += records
        self._dead += dead
        while self._records - self._recent[0][0] >= self._limits.sample:
            old_records, old_dead = self._recent.popleft()
            self._records -= old_records
            self._dead -= old_dead
        percent = 100 * self._dead / self._records
        if self._records >= self._limits.sample and percent > self._limits.percent:
            raise Halted(f"{percent:.0f} % of the last {self._records} records are no valid requests")
