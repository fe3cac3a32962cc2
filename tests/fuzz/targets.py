"""What is fuzzed: each target takes any bytes and fails with an AssertionError where a promise is broken.

They know nothing of the fuzzer, so that a corpus can be replayed, and a find kept, without it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

import orjson
from aiokafka.errors import CorruptRecordException
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from processor.lanes.chunk import next_offset, read_committed
from processor.lanes.foreign import foreign_records
from processor.lanes.recordbatch import RecordBatch
from processor.wire import Framing, Headers, frame
from producer.bulk import Bulk
from producer.errors import InvalidBody, MalformedRequest
from producer.posted import Posted, read_posted
from producer.view.decoding import result_row
from schemas.cloudevents import HeaderStamp
from schemas.codec import Request, decode_request, encode_request, peek_job_id
from schemas.counties import normalise_county
from schemas.errors import InvalidRequest
from schemas.events import RequestEvent, ResultEvent, ValuationRequest
from schemas.printable import is_printable
from schemas.reasons import FailureReason
from schemas.result_codec import CompletedEvents, encode_completed, encode_failed
from tests.fuzz.pieces import FuzzRecord, Pieces, finished
from tests.rows import read_row

_KEY: Final = b"\x00key\x00"
"""Stands between a record's value and its key."""
_AT: Final = "2026-11-23T09:00:00.123Z"
_NOW: Final = 1_795_000_000_000
_BATCH: Final = "8f14e45f-ceea-467f-a8f5-6ac0d0c5d3b1"
_JOB: Final = "0f8fad5b-d9cb-469f-a165-70867728950e"
_MAX_COUNTY: Final = 64
_RESULT: Final = b'{"a":[1,{"result":",\\"result\\":"}]}'
_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_MOMENT: Final[TypeAdapter[object]] = TypeAdapter(AwareDatetime)
_COMMON: Final = HeaderStamp(source="/here", event_type="done").at(_AT)


def request(data: bytes) -> None:
    """The worker's decoder accepts what the model accepts, says why not else, and reads back what it writes."""
    raw, marked, key = data.partition(_KEY)
    body, created = _without_created(raw)
    if isinstance(created, str) and not _RFC_3339.fullmatch(created):
        return  # both readers know more ways to write a moment than the schema names, and not the same ones
    model = _modelled(raw if body is None else orjson.dumps(body), created)
    peeked = peek_job_id(raw, key=key if marked else None, topic="t", partition=3, offset=7)
    found = _decoded(raw, key if marked else None)
    if isinstance(found, InvalidRequest):
        assert model is None, f"the model accepts it; refused because {found.message}"
        assert found.job_id is None or found.job_id == peeked
        return
    assert model is not None, "the model refuses it"
    assert peeked == found.job_id
    assert (found.property_id, found.batch_id) == (model.property_id, model.batch_id)
    assert model.job_id is None or found.job_id == str(model.job_id)
    date = None if model.valuation_date is None else model.valuation_date.isoformat()
    again = decode_request(
        encode_request(found, valuation_date=date), key=None, topic="t", partition=0, offset=0, timestamp_ms=0
    )
    assert again == found or not 0 <= found.created_ms < 253_402_300_800_000


def bulk(data: bytes) -> None:
    """A posted batch is accepted when every request in it is one; what is published reads as what was asked for."""
    lines, raw = data[:1] == b"l", data[1:]
    objects = _objects(raw, lines=lines)
    posted = _posted(raw, lines=lines)
    if isinstance(posted, MalformedRequest):
        assert objects is None
        return
    if isinstance(posted, InvalidBody):
        assert posted.faults
        assert not objects or not all(map(_acceptable, objects)) or _repeats_a_job(objects)
        return
    assert objects is not None
    assert all(map(_acceptable, objects))
    assert len(posted.orders) == len(objects)
    for order in posted.orders:
        value = order.value
        again = decode_request(value, key=None, topic="t", partition=0, offset=0, timestamp_ms=0)
        stated = order.valuation_date is not None
        assert encode_request(again, valuation_date=order.valuation_date) == encode_request(
            order.request, valuation_date=order.valuation_date
        )
        assert not stated or again.day == order.request.day


def results(data: bytes) -> None:
    """Result events are what their model says, however they were written, and are read back as the view needs them."""
    pieces = Pieces(data)
    property_id, county, hint, batch, message = (pieces.text() for _ in range(5))
    if not property_id or not is_printable(property_id):
        return
    asked = Request(_JOB, property_id, f"C{len(county)}", pieces.number() * 1_000, 1, hint or None, None, batch or None)
    completed = CompletedEvents(started_at=_AT, completed_at=_AT).encode(asked, _RESULT)
    assert completed == encode_completed(asked, started_at=_AT, completed_at=_AT, result=_RESULT)
    failed = encode_failed(asked, FailureReason.PROCESSING_EXCEPTION, message, started_at=_AT, completed_at=_AT)
    for event in (completed, failed):
        said = orjson.loads(event)
        assert (said["property_id"], said["valuation_method_hint"]) == (property_id, hint or None)
        assert (said["batch_id"], said["message"] == message) == (batch or None, event is failed)
        row = result_row(FuzzRecord(event))
        assert row is not None
        assert (row.property_id, row.batch_id, row.job_id.hex()) == (property_id, batch or None, _JOB.replace("-", ""))
        framed = read_row(Framing(_COMMON).frame(_JOB, event, property_id.encode()))
        assert (framed.key, framed.value) == (_JOB.encode(), event)
    ResultEvent.model_validate_json(failed)


def view(data: bytes) -> None:
    """Whatever lies on the results topic is a row that any store can take, or none."""
    row = result_row(FuzzRecord(data))
    if row is not None:
        assert all(isinstance(each, str) for each in (row.county_id, row.property_id))
        assert isinstance(row.batch_id, str | None)
        assert len(row.job_id) == 16
        orjson.loads(row.job)


def records(data: bytes) -> None:
    """Records are written as Kafka's format has them, and read back the same by both readers."""
    pieces = Pieces(data)
    rows: list[tuple[bytes | None, bytes | None, Headers]] = [
        (pieces.optional(), pieces.optional(), [(pieces.text(), pieces.optional()) for _ in range(pieces.number() % 4)])
        for _ in range(1 + pieces.number() % 6)
    ]
    batch = RecordBatch(1 << 24, _NOW)
    assert batch.extend([frame(*row) for row in rows], 0) == len(rows)
    raw = batch._build()
    assert next_offset(raw, 0) == len(rows)
    ((after, quick),) = read_committed(raw, (), 0)
    assert after == len(rows)
    for reader in (quick, foreign_records(raw)):
        assert [(one.key, one.value, list(one.headers)) for one in reader] == rows


def chunk(data: bytes) -> None:
    """A fetched chunk is read to its end or refused as corrupt, and never makes the reader go back."""
    try:
        after = next_offset(data, 5)
        read = [offset for offset, _ in read_committed(data, [(7, 0)], 0)]
    except CorruptRecordException:
        return
    assert not read or read[-1] == after


def _decoded(raw: bytes, key: bytes | None) -> Request | InvalidRequest:
    try:
        return decode_request(raw, key=key, topic="t", partition=3, offset=7, timestamp_ms=_NOW)
    except InvalidRequest as refused:
        return refused


def _posted(raw: bytes, *, lines: bool) -> Posted | MalformedRequest | InvalidBody:
    try:
        return finished(read_posted(Bulk(raw, lines=lines), _BATCH, _NOW, None))
    except (MalformedRequest, InvalidBody) as refused:
        return refused


def _without_created(raw: bytes) -> tuple[dict[str, object] | None, object]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None, None
    return (body, body.pop("created_at", None)) if isinstance(body, dict) else (None, None)


def _modelled(raw: bytes, created: object) -> RequestEvent | None:
    try:
        if created is not None:
            _MOMENT.validate_python(created if isinstance(created, str) else None)
        return RequestEvent.model_validate_json(orjson.dumps(orjson.loads(raw)))
    except (ValidationError, orjson.JSONDecodeError):
        return None


def _objects(raw: bytes, *, lines: bool) -> list[object] | None:
    """Return the objects of a body, with None for a line that is no JSON; None where all of it is no JSON."""
    if not lines:
        try:
            parsed = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return None
        return parsed if isinstance(parsed, list) else []
    found: list[object] = []
    for line in raw.split(b"\n"):
        if line.strip():
            try:
                found.append(orjson.loads(line))
            except orjson.JSONDecodeError:
                found.append(None)
    return found


def _acceptable(body: object) -> bool:
    """Tell whether the model accepts a request, and its county is not too long in its normal form."""
    if not isinstance(body, dict):
        return False
    try:
        asked = ValuationRequest.model_validate_json(orjson.dumps(body))
    except ValidationError:
        return False
    return len(normalise_county(asked.county_id)) <= _MAX_COUNTY


def _repeats_a_job(objects: list[object]) -> bool:
    named = [str(body["job_id"]).lower() for body in objects if isinstance(body, dict) and body.get("job_id")]
    return len(named) > 1


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    target.__name__: target for target in (request, bulk, results, view, records, chunk)
}
