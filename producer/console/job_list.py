"""The front page: jobs as they come, filtered, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from aiohttp import web

from producer.console.rendering import page
from producer.errors import MalformedRequest
from producer.gateway import Gateway
from producer.parameters import query_choice, query_county, query_text
from producer.store.base import JobFilter
from schemas.reasons import FailureReason, JobStatus

_LIMIT: Final = 50
_FIELDS: Final = ("county_id", "property_id", "status", "failure_reason", "batch_id")


@dataclass(frozen=True, slots=True)
class Row:
    """One job of the list; ``value`` is its estimated value where there is one."""

    job: Mapping[str, Any]
    value: float | None


async def show(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with one page of jobs, newest first."""
    stated = {name: value for name in _FIELDS if (value := request.query.get(name))}
    wanted, fault = JobFilter(limit=_LIMIT), None
    try:
        wanted = _filter(request.clone(rel_url=request.rel_url.with_query(_kept(request))))
    except MalformedRequest as wrong:
        fault = wrong.detail
    found = await gateway.view.jobs(wanted, results=True)
    return page(
        gateway,
        request,
        "jobs",
        rows=_rows(found.items),
        stated=stated,
        fault=fault,
        older=None if found.next is None else "/?" + urlencode({**stated, "cursor": found.next}),
        first=wanted.cursor is None,
        events=_events(wanted),
        counties=await known_counties(gateway),
        statuses=list(JobStatus),
        reasons=list(FailureReason),
        trouble=gateway.view.trouble,
    )


async def known_counties(gateway: Gateway) -> Sequence[str]:
    """Return the counties that have properties or a model, in order."""
    sizes = {size.county_id for size in await gateway.properties.counties()}
    return sorted(sizes | set(await gateway.properties.models()))


def _kept(request: web.Request) -> dict[str, str]:
    """Return the query without the fields that a form sends empty."""
    return {name: value for name, value in request.query.items() if value}


def _filter(request: web.Request) -> JobFilter:
    return replace(
        JobFilter(limit=_LIMIT),
        county_id=query_county(request),
        property_id=query_text(request, "property_id"),
        status=query_choice(request, "status", JobStatus),
        failure_reason=query_choice(request, "failure_reason", FailureReason),
        batch_id=query_text(request, "batch_id"),
        cursor=query_text(request, "cursor", limit=1024),
    )


def _rows(items: bytes) -> list[Row]:
    return [Row(job, _value(job)) for job in orjson.loads(items)]


def _value(job: Mapping[str, Any]) -> float | None:
    result = job.get("result")
    value = result.get("estimated_value") if isinstance(result, Mapping) else None
    return value if isinstance(value, int | float) else None


def _events(wanted: JobFilter) -> str:
    """Return the event stream that tells of changes to this list."""
    query = {"county_id": wanted.county_id, "batch_id": wanted.batch_id}
    stated = {name: value for name, value in query.items() if value is not None}
    return "/api/v1/valuation/events" + (f"?{urlencode(stated)}" if stated else "")
