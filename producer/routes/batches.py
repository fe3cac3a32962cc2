"""Batches: post many requests at once, see how they get on, cancel what has not been published."""

import asyncio
from dataclasses import replace
from typing import Final
from uuid import UUID

import orjson
from aiohttp import web

from producer.answers import json_answer
from producer.batching import batch_object, batch_records, fresh
from producer.body import parse_object, read_body, require_json
from producer.bulk import read_bulk
from producer.cancelling import Cancelling
from producer.errors import NotFound, Unavailable, ViewBehind
from producer.gateway import Gateway
from producer.ids import idempotency_job_id, new_job_id
from producer.parameters import batch_in_path, query_county, query_int, query_text
from producer.posted import Posted, keep, let_go, read_posted
from producer.preferences import idempotency_key
from producer.rolls import read_reappraisal
from producer.routes.run import MAX_BYTES
from producer.security.guard import owner
from producer.store.base import DEFAULT_LIMIT, MAX_LIMIT, BatchCounts

_SHARE: Final = 2_000
_BATCHES: Final = "/api/v1/valuation/batches/"


async def post_batch(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Publish many requests, all of them valid or none accepted; answers when Kafka holds them all."""
    now_ms = gateway.now_ms()
    key = idempotency_key(request)
    key_id = None if key is None else idempotency_job_id(owner(request), key)
    batch_id = new_job_id(now_ms) if key_id is None else str(key_id)
    bulk = await read_bulk(request, seconds=gateway.settings.gateway_body_seconds)
    posted = await read_posted(bulk, batch_id, now_ms, key_id)
    if key_id is None:
        return _accepted(gateway, await _publish(gateway, posted))
    return await _post_keyed(gateway, posted, key_id)


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
    return json_answer(_body(gateway, await gateway.batch(batch_id)))


async def list_batches(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with one page of batches, newest first."""
    limit = query_int(request, "limit", default=DEFAULT_LIMIT, low=1, high=MAX_LIMIT)
    county_id, cursor = query_county(request), query_text(request, "cursor", limit=1024)
    page = await gateway.view.batches(county_id=county_id, limit=limit, cursor=cursor)
    items = [batch_object(counts, gateway.now_ms()) for counts in page.items]
    return json_answer(orjson.dumps({"items": items, "next": page.next}))


async def delete_batch(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Cancel what has not been published; what has been is valued. Answers with how the batch stands then."""
    batch_id = batch_in_path(request)
    await gateway.batch(batch_id)
    counts = await gateway.view.cancel_batch(batch_id, now_ms=gateway.now_ms())
    if counts is None:
        raise NotFound(f"There is no batch {batch_id}.")
    return json_answer(_body(gateway, counts))


async def _post_keyed(gateway: Gateway, posted: Posted, key_id: UUID) -> web.StreamResponse:
    note, job_id = posted.note, UUID(posted.orders[0].request.job_id)
    async with gateway.keys.first(key_id, job_id, posted.fingerprint, caught_up=gateway.catch_up) as existing:
        if existing is None:
            return _accepted(gateway, await _publish(gateway, posted))
    counts = await gateway.batch(note.batch_id)
    if counts.state == "PUBLISHING":
        await _publish_shares(gateway, posted)
        counts = fresh(note)
    return _accepted(gateway, counts, repeated=True)


async def _publish(gateway: Gateway, posted: Posted) -> BatchCounts:
    """Publish a batch; one that nobody could complete by a retry is cancelled where Kafka goes away."""
    note = posted.note
    gateway.reappraisals.publishes(note.batch_id)
    await keep(gateway.view, posted)
    try:
        complete = await _publish_shares(gateway, posted)
    except Unavailable:
        if posted.key_id is None:
            await gateway.view.cancel_batch(note.batch_id, now_ms=gateway.now_ms())
        raise
    return fresh(note) if complete else await gateway.batch(note.batch_id)


async def _publish_shares(gateway: Gateway, posted: Posted) -> bool:
    """Publish a batch share by share, one on the way while the next is made; returns False where it was cancelled.

    Raises:
        Unavailable: Kafka stopped taking records; the error says how many it had taken for certain.
    """
    note, orders, first = posted.note, posted.orders, posted.key_headers()
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
    gateway.reappraisals.in_background(let_go(gateway.view, note))
    return True


def _accepted(gateway: Gateway, counts: BatchCounts, *, repeated: bool = False) -> web.Response:
    headers = {"Location": _BATCHES + counts.batch_id, "Retry-After": "1"}
    if repeated:
        headers["Idempotency-Replayed"] = "true"
    return json_answer(_body(gateway, counts), status=202, headers=headers)


def _body(gateway: Gateway, counts: BatchCounts) -> bytes:
    return orjson.dumps(batch_object(counts, gateway.now_ms()))
