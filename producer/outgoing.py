"""Makes the record of an order: the request event, its key, and the headers that describe it."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from producer.lane import Record
from producer.orders import Order
from schemas.clock import rfc3339
from schemas.cloudevents import TRACEPARENT, Header, HeaderStamp
from schemas.events import REQUESTED

SOURCE: Final = "/terrafusion/gateway"
_stamp: Final = HeaderStamp(source=SOURCE, event_type=REQUESTED)


def request_record(order: Order, *, traceparent: bytes | None = None, more: Sequence[Header] = ()) -> Record:
    """Return the record of an order; its timestamp is the job's ``created_at``."""
    created_ms = order.request.created_ms
    job_id = order.request.job_id.encode()
    headers = [*_in_common(created_ms), ("ce_id", job_id), ("ce_subject", job_id), *more]
    if traceparent is not None:
        headers.append((TRACEPARENT, traceparent))
    return Record(job_id, order.value, created_ms, headers)


@lru_cache(maxsize=64)
def _in_common(created_ms: int) -> tuple[Header, ...]:
    return _stamp.at(rfc3339(created_ms))
