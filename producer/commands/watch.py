"""The command `terrafusion watch`: follow a batch, a job, or everything that is valued."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from producer.commands.gateway import (
    JOBS_FAILED,
    AsJson,
    Url,
    client,
    gateway_url,
    progress,
    show_jobs,
    talk,
    write_json,
)
from producer.commands.patience import patiently

if TYPE_CHECKING:
    from rich.progress import Progress

    from producer.client import GatewayClient

_LOOK_S: Final = 0.3
_NOT_FOUND: Final = 404
_VALUING: Final = "valuing"
_AWAY: Final = "waiting for the gateway"

What = Annotated[str | None, typer.Argument(help="A batch id or a job id; without one, every result as it comes.")]
OfCounty = Annotated[str | None, typer.Option("--county", help="Only this county's results.")]


def watch(what: What = None, *, county: OfCounty = None, url: Url = None, as_json: AsJson = False) -> None:
    """Follow a batch or a job to its end, or all results until Ctrl-C; exits with 3 where what was followed failed."""
    address = gateway_url(url)
    talk(_everything(address, county, as_json=as_json) if what is None else _one(address, what, as_json=as_json))


async def watch_batch(gateway: "GatewayClient", batch_id: str, bar: "Progress") -> dict[str, Any]:
    """Return a batch once it has ended, moving a progress bar meanwhile; waits for a gateway that is started anew."""
    batch = await gateway.batch(batch_id)
    task = bar.add_task(_VALUING, total=batch["total"])

    def told(away: bool) -> None:  # noqa: FBT001 - as `patiently` tells it
        bar.update(task, description=_AWAY if away else _VALUING)

    while batch["state"] not in {"COMPLETED", "CANCELLED"}:
        await asyncio.sleep(_LOOK_S)
        batch = await patiently(partial(gateway.batch, batch_id), told)
        bar.update(task, total=batch["total"], completed=batch["completed"] + batch["failed"])
    bar.update(task, total=batch["total"], completed=batch["completed"] + batch["failed"])
    return batch


async def _one(url: str, what: str, *, as_json: bool) -> int:
    from producer.client import RequestRefused  # noqa: PLC0415 - start-up time

    async with client(url) as gateway:
        try:
            with progress(shown=not as_json) as bar:
                batch = await watch_batch(gateway, what, bar)
        except RequestRefused as wrong:
            if wrong.status != _NOT_FOUND:
                raise
            return await _job(gateway, what, as_json=as_json)
    if as_json:
        write_json(batch)
    else:
        typer.echo(f"{batch['state']}: {batch['completed']} completed, {batch['failed']} failed of {batch['total']}")
    return JOBS_FAILED if batch["failed"] else 0


async def _job(gateway: "GatewayClient", job_id: str, *, as_json: bool) -> int:
    job = await gateway.job(job_id)
    while job["completed_at"] is None:
        await asyncio.sleep(_LOOK_S)
        job = await patiently(partial(gateway.job, job_id))
    if as_json:
        write_json(job)
    else:
        show_jobs([job])
    return JOBS_FAILED if job["status"] == "FAILED" else 0


async def _everything(url: str, county: str | None, *, as_json: bool) -> int:
    filters = {} if county is None else {"county_id": county}
    async with client(url) as gateway:
        async for job in gateway.events(**filters):
            if as_json:
                write_json(job)
            else:
                value = f"{job['result']['estimated_value']:,.0f}" if job["result"] else job["failure_reason"]
                typer.echo(f"{job['completed_at']}  {job['county_id']}/{job['property_id']}  {value}")
    return 0
