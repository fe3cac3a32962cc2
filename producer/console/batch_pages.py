"""Batches: how far they are, when they will be done, and a way to stop them."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from producer.batching import batch_object
from producer.console.doors import form, see_other
from producer.console.job_list import known_counties
from producer.console.rendering import page, segment
from producer.gateway import Gateway
from producer.parameters import batch_in_path, query_county, query_text
from producer.store.base import BatchCounts

_LIMIT: Final = 50


async def show_all(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with one page of batches, newest first."""
    cursor = query_text(request, "cursor", limit=1024)
    county_id = query_county(request) if request.query.get("county_id") else None
    found = await gateway.view.batches(county_id=county_id, limit=_LIMIT, cursor=cursor)
    stated = {} if county_id is None else {"county_id": county_id}
    return page(
        gateway,
        request,
        "batches",
        batches=_shown(gateway, found.items),
        stated=stated,
        counties=await known_counties(gateway),
        older=None if found.next is None else "/batches?" + urlencode({**stated, "cursor": found.next}),
        first=cursor is None,
        running=_running(found.items),
    )


async def show(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with where a batch stands."""
    counts, now_ms = await gateway.batch(batch_in_path(request)), gateway.now_ms()
    running = _running([counts])
    return page(
        gateway,
        request,
        "batch",
        batch=batch_object(counts, now_ms),
        running=running,
        seconds=((now_ms if running else counts.updated_ms) - counts.created_ms) / 1000,
        can_cancel=counts.state == "PUBLISHING",
    )


async def cancel(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Cancel what has not been published and show the batch."""
    batch_id = batch_in_path(request)
    await form(request)
    await gateway.batch(batch_id)
    await gateway.view.cancel_batch(batch_id, now_ms=gateway.now_ms())
    return see_other(f"/batches/{segment(batch_id)}")


async def of_county(gateway: Gateway, county_id: str, most: int) -> list[dict[str, Any]]:
    """Return a county's latest batches."""
    return _shown(gateway, (await gateway.view.batches(county_id=county_id, limit=most)).items)


def _shown(gateway: Gateway, found: Sequence[BatchCounts]) -> list[dict[str, Any]]:
    now_ms = gateway.now_ms()
    return [batch_object(counts, now_ms) for counts in found]


def _running(found: Sequence[BatchCounts]) -> bool:
    return any(counts.state in {"PUBLISHING", "RUNNING"} for counts in found)
