"""Makes the record of an order: the request event, its key, and the headers that describe it."""

from collections.abc import Sequence
from typing import Final

from producer.lane import Record
from producer.orders import Order
from schemas.clock import rfc3339
from schemas.cloudevents import Header, HeaderStamp
from schemas.events import REQUESTED

SOURCE: Final = "/terrafusion/gateway"
_stamp: Final = HeaderStamp(source=SOURCE, event_type=REQUESTED)


def request_record(order: Order, *, traceparent: bytes | None = None, more: Sequence[Header] = ()) -> Record:
    """Return the record of an order; its timestamp is the job's ``created_at``."""
    request = order.request
    job_id = request.job_id.encode()
    headers = _stamp.headers(
        event_id=job_id, time=rfc3339(request.created_ms).encode(), subject=job_id, traceparent=traceparent
    )
    headers += more
    return Record(job_id, order.value, request.created_ms, headers)
