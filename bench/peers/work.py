"""The work every peer does for one record: read the request, write a completed result with a constant value.

With this system's own reading and writing of events, so that what differs is how records come and go.
"""

from schemas.clock import rfc3339
from schemas.cloudevents import Header, HeaderStamp
from schemas.codec import decode_request
from schemas.events import COMPLETED
from schemas.result_codec import CompletedEvents

_STAMP = HeaderStamp(source="bench", event_type=COMPLETED)
_RESULT = b'{"estimated_value":250000.0,"model_version":"constant"}'


class Answers:
    """The results of records that are answered together; what they have in common is made once."""

    def __init__(self, topic: str, now_ms: int) -> None:
        now = rfc3339(now_ms)
        self._topic, self._now_ms = topic, now_ms
        self._events = CompletedEvents(started_at=now, completed_at=now)
        self._common = _STAMP.at(now)

    def answer(
        self, value: bytes | None, key: bytes | None, partition: int, offset: int
    ) -> tuple[bytes, bytes, list[Header]]:
        """Return key, value and headers of the result of one record."""
        request = decode_request(
            value, key=key, topic=self._topic, partition=partition, offset=offset, timestamp_ms=self._now_ms
        )
        job_id = request.job_id.encode()
        headers = [*self._common, ("ce_id", job_id), ("ce_subject", job_id)]
        return job_id, self._events.encode(request, _RESULT), headers
