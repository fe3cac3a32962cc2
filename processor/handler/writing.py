"""From answers to result events: encode, sign, and refuse what the broker would refuse."""

from collections import Counter
from typing import Final

from processor.batch import Row
from processor.handler.collaborators import Collaborators
from processor.handler.reading import Failure, Jobs
from schemas import reasons
from schemas.clock import rfc3339
from schemas.cloudevents import HeaderStamp
from schemas.codec import Request, encode_completed, encode_failed
from schemas.counties import OTHER
from schemas.reasons import FailureReason

_ENVELOPE: Final = 1_024
"""Bytes that a result's key, headers and framing may take beside its value."""


class Writer:
    """Writes the results of some jobs that were handled together, and counts them as it goes."""

    def __init__(self, using: Collaborators, record_limit: int, started_ms: int, completed_ms: int) -> None:
        self._using = using
        self._limit = record_limit - _ENVELOPE
        self._started = rfc3339(started_ms)
        self._completed = rfc3339(completed_ms)
        self._time = self._completed.encode()
        self._labels: dict[str, str] = {}
        self.tally: Counter[tuple[str, str | None]] = Counter()

    def write(self, jobs: Jobs) -> list[Row]:
        """Return the result records, in the order of the jobs."""
        rows = []
        completed = self._using.completed
        traces = jobs.traces
        for request, answer in zip(jobs.requests, jobs.answers, strict=True):
            job_id = request.job_id
            stamp, reason, value = completed, None, b""
            if type(answer) is bytes:
                value = self._value(request, answer)
            if type(answer) is not bytes or len(value) > self._limit:
                failure = answer if isinstance(answer, Failure) else self._too_large(value)
                stamp, reason, value = self._using.failed, failure.reason, self._failed(request, failure)
            self.tally[self._label(request.county_id), reason] += 1
            rows.append(self._row(stamp, job_id.encode(), value, traces.get(job_id)))
        return rows

    def _row(self, stamp: HeaderStamp, key: bytes, value: bytes, trace: bytes | None) -> Row:
        return key, value, stamp.headers(event_id=key, time=self._time, subject=key, traceparent=trace)

    def _value(self, request: Request, result: bytes) -> bytes:
        return encode_completed(request, started_at=self._started, completed_at=self._completed, result=result)

    def _failed(self, request: Request, failure: Failure) -> bytes:
        return encode_failed(
            request, failure.reason, failure.message, started_at=self._started, completed_at=self._completed
        )

    def _too_large(self, value: bytes) -> Failure:
        detail = f"the result has {len(value)} bytes, the broker takes {self._limit}"
        return Failure(FailureReason.PROCESSING_EXCEPTION, reasons.processing_error(detail))

    def _label(self, county_id: str) -> str:
        """Return the metric label of a county: its id if anything is known of it, else one label for all."""
        label = self._labels.get(county_id)
        if label is None:
            label = county_id if self._using.roll.county(county_id) is not None else OTHER
            self._labels[county_id] = label
        return label
