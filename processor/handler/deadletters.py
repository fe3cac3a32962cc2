"""Dead letters: a record that is no request, as it came, with headers that say what was wrong with it."""

from typing import Final

from processor.batch import Batch, Record, Row
from processor.wire import Headers, frame
from schemas.clock import rfc3339
from schemas.cloudevents import header
from schemas.errors import InvalidRequest
from schemas.reasons import FailureReason

_PREFIX: Final = "error."
_ATTEMPTS: Final = "error.attempts"
_TRUNCATED: Final = "error.truncated_bytes"
_ENVELOPE: Final = 1_024
"""Bytes that the error headers and the record's own framing may take beside key, value and headers."""
_MAX_MESSAGE: Final = 250
_MAX_ATTEMPTS_DIGITS: Final = 6


def dead_letter(batch: Batch, record: Record, wrong: InvalidRequest, app_version: str) -> Row:
    """Return the dead letter of a record; what the broker would refuse as too large is cut, and says so."""
    came_with = [(name, value) for name, value in record.headers if not name.startswith(_PREFIX)]
    says = {
        "error.reason": FailureReason.INVALID_REQUEST.value,
        "error.message": wrong.message[:_MAX_MESSAGE],
        "error.topic": batch.topic,
        "error.partition": str(batch.partition),
        "error.offset": str(record.offset),
        "error.timestamp": rfc3339(record.timestamp),
        _ATTEMPTS: str(_attempts(record.headers)),
        "error.app_version": app_version,
    }
    headers = [*came_with, *((name, text.encode("utf-8", "replace")) for name, text in says.items())]
    if _size(record.key, record.value, came_with) + _ENVELOPE <= batch.record_limit:
        return frame(record.key, record.value, headers)
    return _cut(record, came_with, headers[len(came_with) :], batch.record_limit - _ENVELOPE)


def _cut(record: Record, came_with: Headers, says: Headers, room: int) -> Row:
    """Keep what fits: the key first, then the value from its beginning, then the headers if they fit as a whole."""
    key = record.key if record.key is None else record.key[:room]
    room -= len(key or b"")
    value = record.value if record.value is None else record.value[:room]
    room -= len(value or b"")
    kept = came_with if _size(None, None, came_with) <= room else ()
    lost = _size(record.key, record.value, came_with) - _size(key, value, kept)
    return frame(key, value, [*kept, *says, (_TRUNCATED, str(lost).encode())])


def _size(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    return (
        len(key or b"") + len(value or b"") + sum(len(name.encode()) + len(text or b"") + 10 for name, text in headers)
    )


def _attempts(headers: Headers) -> int:
    """Count how often the record has come to nothing, this time included; a replayed dead letter has a history."""
    before = header(headers, _ATTEMPTS)
    if before is not None and before.isdigit() and len(before) <= _MAX_ATTEMPTS_DIGITS:
        return int(before) + 1
    return 1
