"""From records to jobs: decode, turn away what is no request, leave out what was seen before."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from processor.batch import Batch, Record, Row
from processor.handler.deadletters import dead_letter
from schemas.cloudevents import TRACEPARENT, header
from schemas.codec import Request, decode_request
from schemas.counties import normalise_county
from schemas.errors import InvalidRequest
from schemas.reasons import FailureReason

_MAX_TRACE: Final = 256
"""A traceparent has 55 characters; what is much longer is no traceparent and would only swell the result."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that ends without a value."""

    reason: FailureReason
    message: str


@dataclass(slots=True)
class Jobs:
    """The jobs of some consecutive records, in columns; ``answers`` fills up as they are valued."""

    requests: list[Request] = field(default_factory=list)
    traces: dict[str, bytes] = field(default_factory=dict)
    """Trace context by job id, for the jobs that came with one."""
    answers: list[bytes | Failure | None] = field(default_factory=list)
    """The engine's ``result`` object, or why there is none; None while open."""
    dead_letters: list[Row] = field(default_factory=list)
    dead_positions: list[int] = field(default_factory=list)
    duplicates: int = 0
    raised: list[tuple[Request, Exception]] = field(default_factory=list)
    """What the engine raised for which request, until it is logged."""


def read(batch: Batch, records: Sequence[Record], first: int, now_ms: int, app_version: str) -> Jobs:
    """Decode consecutive records of a batch, the first being its ``first``, and enter their jobs as seen.

    A record that is no valid request gives a dead letter, and a job that has failed already if its id is readable. A
    job that was seen before is left out.
    """
    jobs = Jobs()
    requests, topic, partition = jobs.requests, batch.topic, batch.partition
    for position, record in enumerate(records, first):
        request: Request | None
        try:
            request = decode_request(
                record.value,
                key=record.key,
                topic=topic,
                partition=partition,
                offset=record.offset,
                timestamp_ms=record.timestamp if record.timestamp >= 0 else now_ms,
            )
        except InvalidRequest as wrong:
            jobs.dead_positions.append(position)
            jobs.dead_letters.append(dead_letter(batch, record, wrong, app_version))
            request = _fail(jobs, record, wrong, now_ms)
        else:
            requests.append(request)
        if record.headers and request is not None:
            _keep_trace(jobs, record, request.job_id)
    _leave_out_seen(jobs, batch)
    return jobs


def _fail(jobs: Jobs, record: Record, wrong: InvalidRequest, now_ms: int) -> Request | None:
    """Enter a job that has failed already; return it, None where its id cannot be read."""
    if wrong.job_id is None:
        return None
    created_ms = record.timestamp if record.timestamp >= 0 else now_ms
    jobs.answers.extend([None] * (len(jobs.requests) - len(jobs.answers)))
    request = Request(wrong.job_id, wrong.property_id, _county(wrong.county_id), created_ms, day=0)
    jobs.requests.append(request)
    jobs.answers.append(Failure(FailureReason.INVALID_REQUEST, f"Invalid request: {wrong.message}"))
    return request


def _county(text: str) -> str:
    try:
        return normalise_county(text)
    except ValueError:
        return text


def _keep_trace(jobs: Jobs, record: Record, job_id: str) -> None:
    trace = header(record.headers, TRACEPARENT)
    if trace is not None and len(trace) <= _MAX_TRACE:
        jobs.traces.setdefault(job_id, trace)


def _leave_out_seen(jobs: Jobs, batch: Batch) -> None:
    jobs.answers.extend([None] * (len(jobs.requests) - len(jobs.answers)))
    seen = batch.sightings.enter(batch.ticket, [request.job_id for request in jobs.requests])
    if seen:
        jobs.duplicates = len(seen)
        again = set(seen)
        fresh = [at for at in range(len(jobs.requests)) if at not in again]
        jobs.requests = [jobs.requests[at] for at in fresh]
        jobs.answers = [jobs.answers[at] for at in fresh]
