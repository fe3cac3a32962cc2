"""What a worker has done, as one line of its log now and then: no line for each request, and none while it is idle."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from processor.batch import Outcomes, Traced
from schemas.logs import get_logger

_PERIOD_SECONDS: Final = 10.0
_log = get_logger(__name__)


class Activity:
    """Adds up committed transactions and tells of them every ten seconds, with one traced job that failed."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._told = now()
        self._begin()

    def _begin(self) -> None:
        self._records = self._duplicates = self._dead_letters = 0
        self._completed = 0
        self._failed: Counter[str] = Counter()
        self._sample: Traced | None = None

    def note(self, outcomes: Sequence[Outcomes]) -> None:
        """Add the batches of one committed transaction."""
        for one in outcomes:
            self._records += one.records
            self._duplicates += one.duplicates
            self._dead_letters += len(one.dead_letters)
            for (_, reason), count in one.tally.items():
                if reason is None:
                    self._completed += count
                else:
                    self._failed[reason] += count
            if one.traced and self._sample is None:
                self._sample = next((each for each in one.traced if each.failure is not None), None)

    def tell(self) -> None:
        """Write the line if it is time and anything was done."""
        now = self._now()
        if now - self._told < _PERIOD_SECONDS:
            return
        seconds, self._told = now - self._told, now
        if self._records:
            _log.info(
                "requests settled",
                records=self._records,
                seconds=round(seconds, 1),
                completed=self._completed,
                failed=dict(self._failed),
                duplicates=self._duplicates,
                dead_letters=self._dead_letters,
                **_named(self._sample),
            )
            self._begin()


def _named(sample: Traced | None) -> dict[str, str]:
    if sample is None:
        return {}
    return {"failed_job_id": sample.job_id, "failed_trace_id": sample.traceparent.decode("latin-1")[3:35]}
