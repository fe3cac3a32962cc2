"""GET /api/v1/valuation/events: results as they are committed, as server-sent events."""

import asyncio
from typing import Final

from aiohttp import web

from producer.answers import SERVER
from producer.errors import NotFound, ViewBehind
from producer.gateway import Gateway
from producer.parameters import query_county, query_text, query_uuid
from producer.view.errors import BadEventId, LogUnavailable, SlowListener
from producer.view.live import LiveFilter, Subscription

HEARTBEAT_SECONDS: Final = 15.0
_WRITE_SECONDS: Final = 20.0
_MAX_ID: Final = 4096
_HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "Server": SERVER,
}


async def events(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Send results as they are committed until the client leaves, falls behind, or the gateway stops."""
    wanted = LiveFilter(query_county(request), query_text(request, "batch_id"), query_uuid(request, "job_id"))
    after = request.headers.get("Last-Event-ID") or query_text(request, "last_event_id", limit=_MAX_ID)
    try:
        async with gateway.view.subscribe(wanted, after) as subscription:
            answer = web.StreamResponse(headers=_HEADERS)
            await answer.prepare(request)
            if request.method != "HEAD":
                await _listen(gateway, request, answer, subscription)
            return answer
    except BadEventId as wrong:
        raise NotFound("Last-Event-ID is none that this stream gave out.") from wrong
    except LogUnavailable as wrong:
        raise ViewBehind("The results cannot be read at present.", headers={"Retry-After": "2"}) from wrong


async def _listen(
    gateway: Gateway, request: web.Request, answer: web.StreamResponse, subscription: Subscription
) -> None:
    gateway.metrics.sse_clients += 1
    try:
        with gateway.listeners.until_stopped():
            await _send(answer, b"retry: 2000\nid: %b\n\n" % subscription.id.encode())
            while True:
                results = await subscription.take(HEARTBEAT_SECONDS)
                if not gateway.guard.stays(request):
                    break
                await _send(answer, b"".join(result.frame for result in results) or _heartbeat(subscription))
    except TimeoutError:
        gateway.metrics.sse_cut_off["stalled"] += 1
        answer.force_close()
        if request.transport is not None:
            request.transport.abort()  # closing would wait until the client has taken the rest
    except SlowListener:
        gateway.metrics.sse_cut_off["behind"] += 1
        answer.force_close()
    except ConnectionError:
        answer.force_close()
    finally:
        gateway.metrics.sse_clients -= 1


async def _send(answer: web.StreamResponse, chunk: bytes) -> None:
    """Send a chunk; a client that takes none of it for too long is cut off.

    Raises:
        TimeoutError: the client does not read.
    """
    async with asyncio.timeout(_WRITE_SECONDS):
        await answer.write(chunk)


def _heartbeat(subscription: Subscription) -> bytes:
    return b": heartbeat\nid: %b\n\n" % subscription.id.encode()
