"""Publishes many orders as one batch, and says where a batch stands."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import sha1
from itertools import count
from typing import Any, Final
from uuid import UUID

from producer.headers import BatchNote, batch_header
from producer.lane import Record
from producer.orders import Order
from producer.outgoing import request_record
from producer.store.base import BatchCounts
from schemas.clock import rfc3339
from schemas.cloudevents import Header

_NODE_DIGITS: Final = 12
_NODE: Final = (1 << 48) - 1


def member_id(batch_id: str, member: str) -> str:
    """Return the job id of a batch's member by its name: the same whenever the batch is published again.

    It is the UUIDv5 (RFC 9562, section 5.5) of the member in the namespace of the batch.
    """
    digest = sha1(_namespace(batch_id) + member.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


@lru_cache(maxsize=16)
def _namespace(batch_id: str) -> bytes:
    return UUID(batch_id).bytes


def numbered_ids(batch_id: str) -> Iterator[str]:
    """Return the job ids of a batch's members, one after the other: the same whenever the batch is published again.

    They follow the batch's own id, so that they lie side by side in a store's index, as fresh ones do.
    """
    prefix, node = batch_id[:-_NODE_DIGITS], int(batch_id[-_NODE_DIGITS:], 16)
    return (f"{prefix}{number & _NODE:012x}" for number in count(node + 1))


def batch_records(note: BatchNote, orders: Sequence[Order], first: Sequence[Header] = ()) -> list[Record]:
    """Return the records of a batch's orders; each describes the batch, the first one bears ``first`` as well."""
    about = batch_header(note)
    records = [request_record(order, more=(about,)) for order in orders]
    records[0].headers.extend(first)
    return records


def batch_object(counts: BatchCounts, now_ms: int) -> dict[str, Any]:
    """Return the batch object of the contract."""
    total = counts.published if counts.total is None else counts.total
    finished = counts.finished
    seconds = 0.0 if counts.first_result_ms is None else (_until(counts, now_ms) - counts.first_result_ms) / 1000
    rate = finished / seconds if seconds > 0 else None
    running = counts.state in {"PUBLISHING", "RUNNING"}
    return {
        "batch_id": counts.batch_id,
        "county_id": counts.county_id,
        "kind": counts.kind,
        "state": counts.state,
        "total": total,
        "published": counts.published,
        "completed": counts.completed,
        "failed": counts.failed,
        "failed_by_reason": dict(counts.failed_by_reason),
        "progress": round(100 * min(finished / total, 1.0), 2) if total else 0.0,
        "rate": None if rate is None else round(rate, 2),
        "eta_seconds": round(max(total - finished, 0) / rate, 1) if rate and running else None,
        "created_at": rfc3339(counts.created_ms),
        "updated_at": rfc3339(counts.updated_ms),
    }


def fresh(note: BatchNote) -> BatchCounts:
    """Return how a batch stands right after its last record was published."""
    return BatchCounts(
        batch_id=note.batch_id,
        kind=note.kind,
        county_id=note.county_id,
        total=note.total,
        published=note.total,
        completed=0,
        failed_by_reason={},
        cancelled=False,
        created_ms=note.created_ms,
        updated_ms=note.created_ms,
        first_result_ms=None,
        parameters=None,
    )


def _until(counts: BatchCounts, now_ms: int) -> int:
    """Return when a batch's clock stopped: with its last result, or not yet."""
    return now_ms if counts.state in {"PUBLISHING", "RUNNING"} else counts.updated_ms
