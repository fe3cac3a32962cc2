"""Turns records into rows: the view's hot path, run once for each request and once for each result."""

from typing import Any, Final

import orjson

from producer.headers import BATCH, IDEMPOTENCY_KEY, read_batch, read_idempotency
from producer.store.base import JobRow, KeyRow, NewBatch
from producer.store.outcomes import PENDING, final_code
from producer.view.log import Record
from schemas.clock import epoch_ms, rfc3339
from schemas.cloudevents import header
from schemas.codec import Request, decode_request
from schemas.errors import InvalidRequest
from schemas.reasons import ACCEPTED

_RESULT: Final = b',"result":'
_ID_BYTES: Final = 16
_CLOCK_SKEW_MS: Final = 3_600_000
"""How far ahead of its record a job may claim to be created; one from the far future would head every listing."""


class Pending:
    """A request as it was read; its row is made when somebody asks for it, which its result often forestalls."""

    __slots__ = ("_record", "_request", "job_id")

    def __init__(self, request: Request, record: Record) -> None:
        self.job_id = bytes.fromhex(request.job_id.replace("-", ""))
        self._request = request
        self._record = record

    @property
    def batch_id(self) -> str | None:
        """The batch it belongs to."""
        return self._request.batch_id

    @property
    def created_ms(self) -> int:
        """When the job was created, as far as that can be believed."""
        return min(self._request.created_ms, self._record.timestamp + _CLOCK_SKEW_MS)

    def row(self) -> JobRow:
        """Return the pending job."""
        request, record = self._request, self._record
        return JobRow(
            self.job_id,
            self.created_ms,
            request.created_ms,
            PENDING,
            request.county_id,
            request.property_id,
            request.batch_id,
            _pending_job(request),
            None,
            record.partition,
            record.offset,
        )


def _pending_job(request: Request) -> bytes:
    """Return the job object; texts that JSON would escape are written by the JSON library, others as they are."""
    property_id, hint, batch_id = request.property_id, request.valuation_method_hint, request.batch_id
    if '"' in property_id or "\\" in property_id:
        property_id = orjson.dumps(property_id)[1:-1].decode()
    created_at = rfc3339(request.created_ms)
    return (
        f'{{"job_id":"{request.job_id}","property_id":"{property_id}","county_id":"{request.county_id}"'
        f',"status":"PENDING","message":"{ACCEPTED}","created_at":"{created_at}","updated_at":"{created_at}"'
        f',"started_at":null,"completed_at":null,"failure_reason":null,"batch_id":{_json(batch_id)}'
        f',"valuation_method_hint":{_json(hint)}}}'
    ).encode()


def _json(text: str | None) -> str:
    return "null" if text is None else orjson.dumps(text).decode()


def read_request(record: Record) -> Pending | None:
    """Return the job of a request, None where the record is no valid one (its dead letter tells the rest)."""
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
    return Pending(request, record)


def result_row(record: Record) -> JobRow | None:
    """Return the ended job of a result event, None where the record is none."""
    value = record.value
    if value is None:
        return None
    try:
        job, result, said = _split(value)
        job_id = bytes.fromhex(said["job_id"].replace("-", ""))
        if len(job_id) != _ID_BYTES:
            return None
        return JobRow(
            job_id,
            min(epoch_ms(said["created_at"]), record.timestamp + _CLOCK_SKEW_MS),
            epoch_ms(said["updated_at"]),
            final_code(said["status"], said["failure_reason"]),
            _text(said["county_id"]),
            _text(said["property_id"]),
            None if said["batch_id"] is None else _text(said["batch_id"]),
            job,
            None if result == b"null" else result,
            record.partition,
            record.offset,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _split(value: bytes) -> tuple[bytes, bytes, dict[str, Any]]:
    """Split a result event into its job object, the bytes of its result, and the job object's members.

    The processor writes ``result`` as the last member; in JSON the bytes ``,"result":`` cannot occur within a text,
    where the quotes would be escaped. An event of another writer is taken apart and put together again.
    """
    at = value.find(_RESULT)
    if at > 0 and value[-1:] == b"}":
        job = value[:at] + b"}"
        said = orjson.loads(job)
        if "valuation_method_hint" in said and "completed_at" in said:
            return job, value[at + len(_RESULT) : -1], said
    said = orjson.loads(value)
    result = said.pop("result", None)
    return orjson.dumps(said), orjson.dumps(result), said


def _text(value: object) -> str:
    if type(value) is not str:
        raise TypeError("an id is text")
    return value


def key_row(record: Record, job: Pending) -> KeyRow | None:
    """Return the idempotency key that a request came with, None where it came with none."""
    if header(record.headers, IDEMPOTENCY_KEY) is None:
        return None
    found = read_idempotency(record.headers)
    return None if found is None else KeyRow(found[0].bytes, job.job_id, found[1], job.created_ms)


def batch_of(record: Record, job: Pending) -> NewBatch | None:
    """Return what a request's headers say about its batch, None where they say nothing of it."""
    value = header(record.headers, BATCH)
    note = None if value is None else read_batch(value)
    if note is None or note.batch_id != job.batch_id:
        return None
    return NewBatch(note.batch_id, note.kind, note.county_id, note.total, note.created_ms)
