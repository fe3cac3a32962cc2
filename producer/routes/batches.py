"""Batches: post many requests at once, see how they get on, cancel what has not been published."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

import orjson
from aiohttp import web

from producer.answers import json_answer
from producer.batching import batch_object, batch_records, fresh, numbered_ids
from producer.body import parse_object, read_body, require_json
from producer.bulk import Faulty, Object, read_many
from producer.cancelling import Cancelling
from producer.errors import Fault, NotFound, Unavailable, ViewBehind
from producer.gateway import Gateway
from producer.headers import BatchNote, idempotency_headers
from producer.ids import idempotency_job_id, new_job_id
from producer.orders import FaultyOrder, Order, fingerprint_of, read_order
from producer.parameters import batch_in_path, query_int, query_text
from producer.preferences import idempotency_key
from producer.rolls import read_reappraisal
from producer.routes.run import MAX_BYTES
from producer.security.guard import owner
from producer.store.base import DEFAULT_LIMIT, MAX_LIMIT, BatchCounts, NewBatch
from schemas.cloudevents import Header

_SHARE: Final = 2_000
_BATCHES: Final = "/api/v1/valuation/batches/"


async def post_batch(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Publish many requests, all of them valid or none accepted; answers when Kafka holds them all."""
    now_ms = gateway.now_ms()
    key = idempotency_key(request)
    key_id = None if key is None else idempotency_job_id(owner(request), key)
    batch_id = new_job_id(now_ms) if key_id is None else str(key_id)
    orders = await _orders(gateway, request, batch_id, now_ms)
    note = BatchNote(batch_id, "batch", _one_county(orders), len(orders), now_ms)
    if key_id is None:
        return _accepted(gateway, await _publish(gateway, note, orders))
    return await _post_keyed(gateway, note, orders, key_id)


async def post_reappraisal(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Begin to value every property of a county anew; the publishing goes on after the answer."""
    require_json(request)
    raw = await read_body(request, limit=MAX_BYTES, seconds=gateway.settings.gateway_body_seconds)
    body = parse_object(raw)
    wanted = read_reappraisal(body)
    if not await gateway.properties.catch_up(gateway.settings.gateway_catch_up_seconds):
        raise ViewBehind("The property roll cannot be read at present.", headers={"Retry-After": "2"})
    now_ms = gateway.now_ms()
    key = idempotency_key(request)
    batch_id = new_job_id(now_ms) if key is None else str(idempotency_job_id(owner(request), key))
    note = await gateway.reappraisals.begin(wanted, batch_id)
    if note is None:
        raise NotFound("The county's roll holds no property that meets the conditions.")
    return _accepted(gateway, replace(fresh(note), published=0))


async def get_batch(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with where a batch stands."""
    batch_id = batch_in_path(request)
    return json_answer(_body(gateway, await _known(gateway, batch_id)))


async def list_batches(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with one page of batches, newest first."""
    limit = query_int(request, "limit", default=DEFAULT_LIMIT, low=1, high=MAX_LIMIT)
    page = await gateway.view.batches(limit=limit, cursor=query_text(request, "cursor", limit=1024))
    items = [batch_object(counts, gateway.now_ms()) for counts in page.items]
    return json_answer(orjson.dumps({"items": items, "next": page.next}))


async def delete_batch(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Cancel what has not been published; what has been is valued. Answers with how the batch stands then."""
    batch_id = batch_in_path(request)
    await _known(gateway, batch_id)
    counts = await gateway.view.cancel_batch(batch_id, now_ms=gateway.now_ms())
    if counts is None:
        raise NotFound(f"There is no batch {batch_id}.")
    return json_answer(_body(gateway, counts))


async def _orders(gateway: Gateway, request: web.Request, batch_id: str, now_ms: int) -> list[Order]:
    first_use: dict[str, str] = {}
    ids = numbered_ids(batch_id)

    def made(body: Object, pointer: str) -> Order:
        try:
            order = read_order(body, job_id=next(ids), now_ms=now_ms, batch_id=batch_id)
        except FaultyOrder as wrong:
            raise Faulty([Fault(pointer + fault.pointer, fault.message) for fault in wrong.faults]) from None
        if (before := first_use.setdefault(order.request.job_id, pointer)) != pointer:
            raise Faulty((Fault(f"{pointer}/job_id", f"is the job_id of {before} already"),))
        return order

    return await read_many(request, made, seconds=gateway.settings.gateway_body_seconds)


async def _post_keyed(gateway: Gateway, note: BatchNote, orders: list[Order], key_id: UUID) -> web.StreamResponse:
    first = orders[0].request.job_id
    fingerprint = fingerprint_of(orders)
    async with gateway.keys.first(key_id, UUID(first), fingerprint, caught_up=gateway.catch_up) as existing:
        if existing is None:
            more = idempotency_headers(key_id, fingerprint)
            return _accepted(gateway, await _publish(gateway, note, orders, more, keyed=True))
    counts = await _known(gateway, note.batch_id)
    if counts.state == "PUBLISHING":
        await _publish_shares(gateway, note, orders)
        counts = fresh(note)
    return _accepted(gateway, counts, repeated=True)


async def _publish(
    gateway: Gateway,
    note: BatchNote,
    orders: list[Order],
    more: Sequence[Header] = (),
    *,
    keyed: bool = False,
) -> BatchCounts:
    """Publish a batch; one that nobody could complete by a retry is cancelled where Kafka goes away."""
    await gateway.view.create_batch(NewBatch(note.batch_id, note.kind, note.county_id, note.total, note.created_ms))
    try:
        complete = await _publish_shares(gateway, note, orders, more)
    except Unavailable:
        if not keyed:
            await gateway.view.cancel_batch(note.batch_id, now_ms=gateway.now_ms())
        raise
    return fresh(note) if complete else await _known(gateway, note.batch_id)


async def _publish_shares(
    gateway: Gateway, note: BatchNote, orders: Sequence[Order], first: Sequence[Header] = ()
) -> bool:
    """Publish a batch share by share, one on the way while the next is made; returns False where it was cancelled.

    Raises:
        Unavailable: Kafka stopped taking records; the error says how many it had taken for certain.
    """
    watched = Cancelling(gateway.view, note.batch_id)
    on_the_way: asyncio.Task[None] | None = None
    done = 0
    try:
        for start in range(0, len(orders), _SHARE):
            records = batch_records(note, orders[start : start + _SHARE], () if start else first)
            if on_the_way is not None:
                await on_the_way
                done = start
                if await watched.cancelled():
                    return False
            on_the_way = asyncio.create_task(gateway.publisher.publish_all(gateway.topics.requests, records))
        if on_the_way is not None:
            await on_the_way
    except Unavailable as wrong:
        wrong.members = {"batch_id": note.batch_id, "published": str(done)}
        raise
    return True


async def _known(gateway: Gateway, batch_id: str) -> BatchCounts:
    counts = await gateway.view.batch(batch_id)
    if counts is None:
        await gateway.catch_up()
        counts = await gateway.view.batch(batch_id)
    if counts is None:
        raise NotFound(f"There is no batch {batch_id}.")
    return counts


def _accepted(gateway: Gateway, counts: BatchCounts, *, repeated: bool = False) -> web.Response:
    headers = {"Location": _BATCHES + counts.batch_id, "Retry-After": "1"}
    if repeated:
        headers["Idempotency-Replayed"] = "true"
    return json_answer(_body(gateway, counts), status=202, headers=headers)


def _body(gateway: Gateway, counts: BatchCounts) -> bytes:
    return orjson.dumps(batch_object(counts, gateway.now_ms()))


def _one_county(orders: list[Order]) -> str | None:
    """Return the county of all orders, None where they name several."""
    first = orders[0].request.county_id
    return first if all(order.request.county_id == first for order in orders) else None
