"""The work every peer does for one record: read the request, write a completed result with a constant value."""

from schemas.clock import rfc3339
from schemas.cloudevents import Header, HeaderStamp
from schemas.codec import decode_request
from schemas.events import COMPLETED
from schemas.result_codec import encode_completed

_STAMP = HeaderStamp(source="bench", event_type=COMPLETED)
_RESULT = b'{"estimated_value":350000.0}'


def answer(  # noqa: PLR0913, PLR0917 - a record's parts, without the cost of an object
    value: bytes | None, key: bytes | None, topic: str, partition: int, offset: int, now_ms: int
) -> tuple[bytes, bytes, list[Header]]:
    """Return key, value and headers of the result of one record."""
    request = decode_request(value, key=key, topic=topic, partition=partition, offset=offset, timestamp_ms=now_ms)
    now = rfc3339(now_ms)
    job_id = request.job_id.encode()
    event = encode_completed(request, started_at=now, completed_at=now, result=_RESULT)
    return job_id, event, _STAMP.headers(event_id=job_id, time=now.encode(), subject=job_id)
