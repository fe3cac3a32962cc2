"""GET status, results and jobs: what has become of requests, read from the job view."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import orjson
from aiohttp import web

from producer.answers import json_answer
from producer.console.doors import as_pages
from producer.console.report import report
from producer.errors import NotFound
from producer.gateway import Gateway
from producer.parameters import job_id_in_path, query_choice, query_county, query_int, query_text, query_time
from producer.preferences import prefers_html
from producer.store.base import DEFAULT_LIMIT, MAX_LIMIT, JobFilter
from schemas.reasons import FailureReason, JobStatus

_REPORT: Final = as_pages(report)


async def status(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with the job object."""
    return await _job(gateway, request, gateway.view.job)


async def results(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with the job object and its result, null until the job is completed; with the report to who wants HTML."""
    if prefers_html(request):
        return await _REPORT(gateway, request)
    answer = await _job(gateway, request, gateway.view.result)
    answer.headers["Vary"] = "Accept"
    return answer


async def jobs(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with one page of jobs, newest first."""
    page = await gateway.view.jobs(job_filter(request))
    return json_answer(b'{"items":%b,"next":%b}' % (page.items, orjson.dumps(page.next)))


async def _job(
    gateway: Gateway, request: web.Request, read: Callable[[UUID], Awaitable[bytes | None]]
) -> web.StreamResponse:
    job_id = job_id_in_path(request)
    found = await gateway.known(read, job_id)
    if found is None:
        raise NotFound(f"There is no job {job_id}.")
    return json_answer(found)


def job_filter(request: web.Request) -> JobFilter:
    """Return the filters, and the page, that the query asks for."""
    return JobFilter(
        county_id=query_county(request),
        property_id=query_text(request, "property_id"),
        status=query_choice(request, "status", JobStatus),
        failure_reason=query_choice(request, "failure_reason", FailureReason),
        batch_id=query_text(request, "batch_id"),
        created_after_ms=query_time(request, "created_after"),
        limit=query_int(request, "limit", default=DEFAULT_LIMIT, low=1, high=MAX_LIMIT),
        cursor=query_text(request, "cursor", limit=1024),
    )
