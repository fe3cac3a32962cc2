"""From answers to result events: encode, sign, and refuse what the broker would refuse."""

from collections import Counter
from typing import Final, cast

from processor.batch import Row
from processor.handler.collaborators import Collaborators
from processor.handler.reading import Failure, Jobs
from processor.wire import Framing
from schemas import reasons
from schemas.clock import rfc3339
from schemas.codec import Request
from schemas.counties import OTHER
from schemas.reasons import FailureReason
from schemas.result_codec import CompletedEvents, encode_failed

_ENVELOPE: Final = 1_024
"""Bytes that a result's key, headers and framing may take beside its value."""


class Writer:
    """Writes the results of some jobs that were handled together, and counts them."""

    def __init__(self, using: Collaborators, record_limit: int, started_ms: int, completed_ms: int) -> None:
        self._using = using
        self._limit = record_limit - _ENVELOPE
        self._started = rfc3339(started_ms)
        self._completed = rfc3339(completed_ms)
        self._events = CompletedEvents(started_at=self._started, completed_at=self._completed)
        self._frame_completed = Framing(using.completed.at(self._completed)).frame
        self._frame_failed = Framing(using.failed.at(self._completed)).frame

    def write(self, jobs: Jobs) -> tuple[list[Row], Counter[tuple[str, str | None]]]:
        """Return the result records in the order of the jobs, and the jobs by county label and failure reason."""
        rows: list[Row] = []
        completed_in: list[str] = []
        failed: list[tuple[str, str | None]] = []
        traces, limit, encode, frame = jobs.traces, self._limit, self._events.encode, self._frame_completed
        for request, answer in zip(jobs.requests, jobs.answers, strict=True):
            if type(answer) is bytes:
                value = encode(request, answer)
                if len(value) <= limit:
                    rows.append(frame(request.job_id, value, traces.get(request.job_id) if traces else None))
                    completed_in.append(request.county_id)
                    continue
                answer = self._too_large(value)  # noqa: PLW2901 - the job has another outcome now
            failure = cast("Failure", answer)
            rows.append(self._failed(request, failure, traces.get(request.job_id)))
            failed.append((request.county_id, failure.reason))
        return rows, self._tally(completed_in, failed)

    def _failed(self, request: Request, failure: Failure, trace: bytes | None) -> Row:
        value = encode_failed(
            request, failure.reason, failure.message, started_at=self._started, completed_at=self._completed
        )
        return self._frame_failed(request.job_id, value, trace)

    def _too_large(self, value: bytes) -> Failure:
        detail = f"the result has {len(value)} bytes, the broker takes {self._limit}"
        return Failure(FailureReason.PROCESSING_EXCEPTION, reasons.processing_error(detail))

    def _tally(self, completed_in: list[str], failed: list[tuple[str, str | None]]) -> Counter[tuple[str, str | None]]:
        tally: Counter[tuple[str, str | None]] = Counter()
        for county_id, count in Counter(completed_in).items():
            tally[self._label(county_id), None] += count
        for (county_id, reason), count in Counter(failed).items():
            tally[self._label(county_id), reason] += count
        return tally

    def _label(self, county_id: str) -> str:
        """Return the metric label of a county: its id if anything is known of it, else one label for all."""
        return county_id if self._using.roll.county(county_id) is not None else OTHER
