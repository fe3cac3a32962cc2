"""The commands `terrafusion submit` and `terrafusion reappraise`: requests in, through the gateway."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from producer.commands.gateway import (
    JOBS_FAILED,
    AsJson,
    County,
    Date,
    Url,
    Wait,
    client,
    gateway_url,
    progress,
    show_jobs,
    talk,
    write_json,
)
from producer.commands.patience import patiently
from producer.commands.watch import watch_batch

if TYPE_CHECKING:
    from producer.client import GatewayClient

_ONE_BY_ONE: Final = 100
_AT_ONCE: Final = 16
_SHARE: Final = 50_000
_WAIT_S: Final = 30.0

Properties = Annotated[list[str] | None, typer.Argument(help="Property ids.")]
IdFile = Annotated[Path | None, typer.Option("--file", help="A file with one property id a line; - reads stdin.")]
Filters = Annotated[list[str] | None, typer.Option("--filter", help="NAME=VALUE that a characteristic must equal.")]


@dataclass(frozen=True, slots=True)
class _Asked:
    county: str
    ids: Sequence[str]
    more: Mapping[str, Any]
    wait: bool
    as_json: bool


def submit(  # noqa: PLR0913 - a command's options
    property_ids: Properties = None,
    *,
    county: County,
    file: IdFile = None,
    wait: Wait = False,
    date: Date = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Request valuations of properties; exits with 3 where one that was waited for failed."""
    ids = [*(property_ids or []), *_ids_in(file)]
    if not ids:
        raise typer.BadParameter("name at least one property, or a --file of them")
    more = {} if date is None else {"valuation_date": date}
    talk(_submit(gateway_url(url), _Asked(county, ids, more, wait=wait, as_json=as_json)))


def reappraise(  # noqa: PLR0913 - a command's options
    *,
    county: County,
    date: Date = None,
    filters: Filters = None,
    wait: Wait = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Have every property of a county valued anew."""
    more: dict[str, Any] = {} if date is None else {"valuation_date": date}
    if filters:
        more["filters"] = dict(_condition(each) for each in filters)
    talk(_reappraise(gateway_url(url), county, more, wait=wait, as_json=as_json))


def _ids_in(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise typer.BadParameter(f"{file} cannot be read: {wrong}") from wrong
    return [line.strip() for line in text.splitlines() if line.strip()]


def _condition(stated: str) -> tuple[str, str | float]:
    name, equals, value = stated.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"--filter {stated}: write NAME=VALUE")
    try:
        return name, float(value)
    except ValueError:
        return name, value


async def _submit(url: str, asked: _Asked) -> int:
    batches: list[dict[str, Any]] = []
    async with client(url) as gateway:
        if len(asked.ids) <= _ONE_BY_ONE:
            jobs = await _one_by_one(gateway, asked)
        else:
            batches = await _in_batches(gateway, asked)
            jobs = [job for batch in batches async for job in gateway.jobs(batch_id=batch["batch_id"])]
    if asked.as_json:
        write_json({"county_id": jobs[0]["county_id"], "accepted": len(jobs), "batches": batches, "jobs": jobs})
    else:
        show_jobs(jobs)
    return JOBS_FAILED if asked.wait and any(job["status"] == "FAILED" for job in jobs) else 0


async def _one_by_one(gateway: "GatewayClient", asked: _Asked) -> list[dict[str, Any]]:
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(property_id: str) -> dict[str, Any]:
        async with room:
            wait_s = _WAIT_S if asked.wait else 0.0
            job = await gateway.submit(asked.county, property_id, wait_s=wait_s, more=asked.more)
            while asked.wait and job["completed_at"] is None:
                await asyncio.sleep(1)
                job = await patiently(partial(gateway.job, job["job_id"]))
            return job

    return list(await asyncio.gather(*(one(property_id) for property_id in asked.ids)))


async def _in_batches(gateway: "GatewayClient", asked: _Asked) -> list[dict[str, Any]]:
    batches: list[dict[str, Any]] = []
    for start in range(0, len(asked.ids), _SHARE):
        share = asked.ids[start : start + _SHARE]
        requests = ({"property_id": each, "county_id": asked.county, **asked.more} for each in share)
        batch = await gateway.submit_batch(requests)
        if asked.wait:
            with progress(shown=not asked.as_json) as bar:
                batch = await watch_batch(gateway, batch["batch_id"], bar)
        batches.append(batch)
    return batches


async def _reappraise(url: str, county: str, more: dict[str, Any], *, wait: bool, as_json: bool) -> int:
    async with client(url) as gateway:
        batch = await gateway.reappraise(county, **more)
        if wait:
            with progress(shown=not as_json) as bar:
                batch = await watch_batch(gateway, batch["batch_id"], bar)
    if as_json:
        write_json(batch)
    else:
        typer.echo(
            f"{batch['state']}: batch {batch['batch_id']}, {batch['total']} properties, {batch['failed']} failed"
        )
    return JOBS_FAILED if wait and batch["failed"] else 0
