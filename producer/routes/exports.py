"""GET results of many jobs as one file: of a batch, or of whatever the filters of the job list let through."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from aiohttp import web

from producer.answers import SERVER
from producer.errors import NotFound
from producer.export.formats import Format, Writer, writer
from producer.gateway import Gateway
from producer.parameters import batch_in_path, query_choice
from producer.routes.jobs import job_filter
from producer.store.base import MAX_LIMIT, JobFilter
from producer.store.errors import StoreError
from schemas.logs import get_logger

_WRITE_SECONDS: Final = 60.0
_ACCEPTED: Final[Mapping[str, Format]] = {kind.media_type: kind for kind in Format} | {
    "application/jsonl": Format.NDJSON
}
_log = get_logger(__name__)


async def batch_results(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Send the jobs of a batch with their results, newest first."""
    batch_id, kind = batch_in_path(request), _format(request)
    if await gateway.view.batch(batch_id) is None:
        await gateway.catch_up()
        if await gateway.view.batch(batch_id) is None:
            raise NotFound(f"There is no batch {batch_id}.")
    return await _send(gateway, request, JobFilter(batch_id=batch_id), kind)


async def results(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Send the jobs that the filters let through with their results, newest first."""
    wanted, kind = job_filter(request), _format(request)
    return await _send(gateway, request, wanted, kind)


def _format(request: web.Request) -> Format:
    """Return the format that the query names, else the first that the client accepts, else NDJSON."""
    stated = query_choice(request, "format", Format)
    if stated is not None:
        return stated
    accepted = [part.split(";")[0].strip().lower() for part in request.headers.get("Accept", "").split(",")]
    return next((_ACCEPTED[kind] for kind in accepted if kind in _ACCEPTED), Format.NDJSON)


async def _send(gateway: Gateway, request: web.Request, wanted: JobFilter, kind: Format) -> web.StreamResponse:
    """Send page after page; a store that fails on the way breaks the connection, so that no file seems whole."""
    wanted = replace(wanted, limit=MAX_LIMIT, cursor=None)
    page = await gateway.view.jobs(wanted, results=True)
    answer = web.StreamResponse(
        headers={
            "Content-Type": kind.content_type,
            "Vary": "Accept",
            "Content-Disposition": f'attachment; filename="valuations.{kind.value}"',
            "Server": SERVER,
        }
    )
    await answer.prepare(request)
    if request.method == "HEAD":
        return answer
    made = writer(kind)
    try:
        while page.next is not None:
            await _write(answer, made, page.items)
            page = await gateway.view.jobs(replace(wanted, cursor=page.next), results=True)
        await _write(answer, made, page.items)
        await answer.write(await asyncio.to_thread(made.end))
    except (StoreError, TimeoutError, ConnectionError) as wrong:
        _log.warning("an export broke off", reason=str(wrong) or type(wrong).__name__)
        if request.transport is not None:
            request.transport.abort()
    return answer


async def _write(answer: web.StreamResponse, made: Writer, items: bytes) -> None:
    piece = await asyncio.to_thread(made.page, items)
    async with asyncio.timeout(_WRITE_SECONDS):
        await answer.write(piece)
