"""From answers to result events: encode, sign, and refuse what the broker would refuse."""

from collections import Counter
from typing import Final, cast

from processor.batch import Row
from processor.handler.collaborators import Collaborators
from processor.handler.reading import Failure, Jobs
from schemas import reasons
from schemas.clock import rfc3339
from schemas.cloudevents import TRACEPARENT
from schemas.codec import CompletedEvents, Request, encode_failed
from schemas.counties import OTHER
from schemas.reasons import FailureReason

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

    def write(self, jobs: Jobs) -> tuple[list[Row], Counter[tuple[str, str | None]]]:
        """Return the result records in the order of the jobs, and the jobs by county label and failure reason."""
        rows: list[Row] = []
        completed_in: list[str] = []
        failed: list[tuple[str, str | None]] = []
        stamp, limit, encode = self._using.completed.at(self._completed), self._limit, self._events.encode
        for request, answer in zip(jobs.requests, jobs.answers, strict=True):
            if type(answer) is bytes:
                value = encode(request, answer)
                if len(value) <= limit:
                    key = request.job_id.encode()
                    rows.append((key, value, [*stamp, ("ce_id", key), ("ce_subject", key)]))
                    completed_in.append(request.county_id)
                    continue
                answer = self._too_large(value)  # noqa: PLW2901 - the job has another outcome now
            failure = cast("Failure", answer)
            rows.append(self._failed(request, failure))
            failed.append((request.county_id, failure.reason))
        self._carry_traces(rows, jobs)
        return rows, self._tally(completed_in, failed)

    def _failed(self, request: Request, failure: Failure) -> Row:
        key = request.job_id.encode()
        value = encode_failed(
            request, failure.reason, failure.message, started_at=self._started, completed_at=self._completed
        )
        return key, value, [*self._using.failed.at(self._completed), ("ce_id", key), ("ce_subject", key)]

    def _too_large(self, value: bytes) -> Failure:
        detail = f"the result has {len(value)} bytes, the broker takes {self._limit}"
        return Failure(FailureReason.PROCESSING_EXCEPTION, reasons.processing_error(detail))

    @staticmethod
    def _carry_traces(rows: list[Row], jobs: Jobs) -> None:
        if jobs.traces:
            for at, request in enumerate(jobs.requests):
                trace = jobs.traces.get(request.job_id)
                if trace is not None:
                    key, value, headers = rows[at]
                    rows[at] = key, value, [*headers, (TRACEPARENT, trace)]

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
