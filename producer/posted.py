"""Batches as they are posted: read, kept in the job store until published, by the next process if need be.

The body itself is kept, compressed; what it asks for follows from it and from the batch's id and time of creation.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import cramjam

from producer.batching import numbered_ids
from producer.bulk import Bulk, Faulty, Object, objects
from producer.errors import Fault
from producer.headers import BatchNote, idempotency_headers
from producer.orders import FaultyOrder, Order, fingerprint_of, read_order
from producer.publisher import Publisher
from producer.steady import SHARE, publish_steadily, published_jobs
from producer.store.base import BatchCounts, NewBatch
from producer.store.errors import StoreError
from producer.view.base import View
from schemas.cloudevents import Header
from schemas.logs import get_logger
from schemas.topics import Topic

_LEVEL: Final = 1
_LINES, _KEYED_LINES = b"l", b"L"
_ARRAY, _KEYED_ARRAY = b"a", b"A"
_KINDS: Final = {(True, False): _LINES, (True, True): _KEYED_LINES, (False, False): _ARRAY, (False, True): _KEYED_ARRAY}
_MEANINGS: Final = {kind: meaning for meaning, kind in _KINDS.items()}
_DONE: Final = b""
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Posted:
    """One posted batch, read and checked."""

    note: BatchNote
    orders: Sequence[Order]
    bulk: Bulk
    key_id: UUID | None
    fingerprint: bytes
    """Digest of what a keyed batch asks for."""

    def key_headers(self) -> list[Header]:
        """Return what ties the batch to its idempotency key, nothing where it has none."""
        return [] if self.key_id is None else idempotency_headers(self.key_id, self.fingerprint)


async def read_posted(bulk: Bulk, batch_id: str, created_ms: int, key_id: UUID | None) -> Posted:
    """Return the batch that a body asks for.

    Raises:
        InvalidBody: a request in it is not what the schema asks for; the error names each fault.
    """
    first_use: dict[str, str] = {}
    ids = numbered_ids(batch_id)

    def made(body: Object, pointer: str) -> Order:
        try:
            order = read_order(body, job_id=next(ids), now_ms=created_ms, batch_id=batch_id)
        except FaultyOrder as wrong:
            raise Faulty([Fault(pointer + fault.pointer, fault.message) for fault in wrong.faults]) from None
        if (before := first_use.setdefault(order.request.job_id, pointer)) != pointer:
            raise Faulty((Fault(f"{pointer}/job_id", f"is the job_id of {before} already"),))
        return order

    orders = await objects(bulk, made)
    note = BatchNote(batch_id, "batch", _one_county(orders), len(orders), created_ms)
    return Posted(note, orders, bulk, key_id, b"" if key_id is None else fingerprint_of(orders))


async def keep(view: View, posted: Posted) -> None:
    """Announce a batch and keep what it asks for; to be called before its first record is published."""
    packed = await asyncio.to_thread(cramjam.zstd.compress, posted.bulk.raw, _LEVEL)
    kind = _KINDS[posted.bulk.lines, posted.key_id is not None]
    await view.create_batch(_announced(posted.note, kind + bytes(packed)))


async def let_go(view: View, note: BatchNote) -> None:
    """Forget what a batch asked for: all of it has been published. What a store keeps in vain costs room, no more."""
    with suppress(StoreError):
        await view.create_batch(_announced(note, _DONE))


async def resume(view: View, publisher: Publisher, topic: Topic, counts: BatchCounts) -> None:
    """Publish what an earlier process left of a batch; the view must have read what that process had published.

    Job ids follow from the batch, so whatever is published twice is still one job.
    """
    kept = counts.parameters or b""
    lines, keyed = _MEANINGS[kept[:1]]
    raw = await asyncio.to_thread(cramjam.zstd.decompress, kept[1:])
    key_id = UUID(counts.batch_id) if keyed else None
    posted = await read_posted(Bulk(bytes(raw), lines=lines), counts.batch_id, counts.created_ms, key_id)
    done = await published_jobs(view, counts.batch_id)
    left = [order for order in posted.orders if order.request.job_id not in done]
    _log.info("resuming a batch", batch_id=counts.batch_id, published=len(done), left=len(left))
    shares = (left[start : start + SHARE] for start in range(0, len(left), SHARE))
    first = posted.key_headers() if posted.orders[0].request.job_id not in done else ()
    if await publish_steadily(view, publisher, topic, posted.note, shares, first):
        await let_go(view, posted.note)


def _announced(note: BatchNote, kept: bytes) -> NewBatch:
    return NewBatch(note.batch_id, note.kind, note.county_id, note.total, note.created_ms, kept)


def _one_county(orders: Sequence[Order]) -> str | None:
    """Return the county of all orders, None where they name several."""
    first = orders[0].request.county_id
    return first if all(order.request.county_id == first for order in orders) else None
