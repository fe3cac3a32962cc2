"""Turns records into rows: the view's hot path, run once for each request and once for each result."""

from typing import Any, Final
from uuid import UUID

import orjson

from producer.headers import BATCH, IDEMPOTENCY_KEY, read_batch, read_idempotency
from producer.store.base import JobRow, KeyRow, NewBatch
from producer.store.outcomes import PENDING, final_code
from producer.view.log import Record
from schemas.clock import epoch_ms, rfc3339
from schemas.cloudevents import header
from schemas.codec import decode_request
from schemas.errors import InvalidRequest
from schemas.reasons import ACCEPTED

_RESULT: Final = b',"result":'
_CLOCK_SKEW_MS: Final = 3_600_000
"""How far ahead of its record a job may claim to be created; one from the far future would head every listing."""


def request_row(record: Record) -> JobRow | None:
    """Return the pending job of a request, None where the record is no valid one (its dead letter tells the rest)."""
    try:
        request = decode_request(
            record.value,
            key=record.key,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp_ms=record.timestamp,
        )
    except InvalidRequest:
        return None
    created = request.created_ms
    created_at = rfc3339(created)
    job = orjson.dumps(
        {
            "job_id": request.job_id,
            "property_id": request.property_id,
            "county_id": request.county_id,
            "status": "PENDING",
            "message": ACCEPTED,
            "created_at": created_at,
            "updated_at": created_at,
            "started_at": None,
            "completed_at": None,
            "failure_reason": None,
            "batch_id": request.batch_id,
            "valuation_method_hint": request.valuation_method_hint,
        }
    )
    return JobRow(
        bytes.fromhex(request.job_id.replace("-", "")),
        min(created, record.timestamp + _CLOCK_SKEW_MS),
        created,
        PENDING,
        request.county_id,
        request.property_id,
        request.batch_id,
        job,
        None,
        record.partition,
        record.offset,
    )


def result_row(record: Record) -> JobRow | None:
    """Return the ended job of a result event, None where the record is none."""
    value = record.value
    if value is None:
        return None
    try:
        job, result = _split(value)
        said = orjson.loads(job)
        created = min(epoch_ms(said["created_at"]), record.timestamp + _CLOCK_SKEW_MS)
        return JobRow(
            UUID(said["job_id"]).bytes,
            created,
            epoch_ms(said["updated_at"]),
            final_code(said["status"], said["failure_reason"]),
            said["county_id"],
            said["property_id"],
            said["batch_id"],
            job,
            None if result == b"null" else result,
            record.partition,
            record.offset,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _split(value: bytes) -> tuple[bytes, bytes]:
    """Split a result event into its job object and the bytes of its result.

    The processor writes ``result`` as the last member; in JSON the bytes ``,"result":`` cannot occur within a text,
    where the quotes would be escaped. An event of another writer is taken apart and put together again.
    """
    at = value.find(_RESULT)
    if at > 0 and value.find(_RESULT, at + 1) < 0 and value[-1:] == b"}":
        return value[:at] + b"}", value[at + len(_RESULT) : -1]
    said: dict[str, Any] = orjson.loads(value)
    result = said.pop("result", None)
    return orjson.dumps(said), orjson.dumps(result)


def key_row(record: Record, row: JobRow) -> KeyRow | None:
    """Return the idempotency key that a request came with, None where it came with none."""
    if header(record.headers, IDEMPOTENCY_KEY) is None:
        return None
    found = read_idempotency(record.headers)
    return None if found is None else KeyRow(found[0].bytes, row.job_id, found[1], row.created_ms)


def batch_of(record: Record, row: JobRow) -> NewBatch | None:
    """Return what a request's headers say about its batch, None where they say nothing of it."""
    value = header(record.headers, BATCH)
    note = None if value is None else read_batch(value)
    if note is None or note.batch_id != row.batch_id:
        return None
    return NewBatch(note.batch_id, note.kind, note.county_id, note.total, note.created_ms)
