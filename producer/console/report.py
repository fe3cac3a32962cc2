"""The valuation report: one job as a page that a property owner can read, check and print."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from aiohttp import web
from pydantic import ValidationError

from producer.console.drawing.charts import IndexChart, index_chart
from producer.console.drawing.evidence import Evidence, evidence
from producer.console.drawing.positions import Positions, positions
from producer.console.grid import Grid, grid
from producer.console.rendering import page
from producer.console.roll import Parcel, parcel
from producer.console.serving import Serving, serving
from producer.console.steps import Step, steps
from producer.errors import NotFound
from producer.gateway import Gateway
from producer.parameters import job_id_in_path
from schemas.events import Job, JobWithResult, Valuation


@dataclass(frozen=True, slots=True)
class Report:
    """What the page of a completed job shows beside the result itself."""

    steps: Sequence[Step]
    grid: Grid
    plot: Positions | None
    evidence: Evidence
    index: IndexChart | None
    index_is_later: bool
    rounding: float


async def report(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with the report of a job; of one that has not ended, with a page that waits for it."""
    job_id = job_id_in_path(request)
    found = await gateway.known(gateway.view.result, job_id)
    if found is None:
        raise NotFound(f"There is no job {job_id}.")
    job, value = _read(found)
    subject = await parcel(gateway, job.county_id, job.property_id)
    made = None if value is None else await _report(gateway, job.county_id, value, subject)
    return page(gateway, request, "report", job=job, value=value, subject=subject, report=made)


def _read(found: bytes) -> tuple[Job, Valuation | None]:
    """Return a job and its result; a result that is not of this version's form is left out."""
    try:
        job = JobWithResult.model_validate_json(found)
    except ValidationError:
        return Job.model_validate_json(found), None
    return job, job.result


async def _report(gateway: Gateway, county_id: str, value: Valuation, subject: Parcel) -> Report:
    parcels = [await parcel(gateway, county_id, one.property_id) for one in value.comparables]
    table = grid(value, subject, parcels)
    model = await serving(gateway, county_id)
    return Report(
        steps=steps(value, subject),
        grid=table,
        plot=_plot(table),
        evidence=evidence(
            value.value_low,
            value.estimated_value,
            value.value_high,
            [one.adjusted_price for one in value.comparables],
        ),
        index=_index(value, model),
        index_is_later=model is not None and model.record.version != value.model_version,
        rounding=value.estimated_value - value.unrounded_value,
    )


def _plot(table: Grid) -> Positions | None:
    found = [(str(column.number), column.distance) for column in table.columns if column.distance is not None]
    return positions(found) if found else None


def _index(value: Valuation, model: Serving | None) -> IndexChart | None:
    levels = [] if model is None else [(one.month, one.level) for one in model.record.market_index]
    if not levels:
        return None
    dates: list[tuple[str, str, float | None, str]] = [
        (one.sale_date.isoformat(), str(number), None, "dot") for number, one in enumerate(value.comparables, start=1)
    ]
    dates.append((value.valuation_date.isoformat(), "valuation date", value.market_index.level, "subject"))
    return index_chart(levels, dates)


def report_path(job_id: UUID | str) -> str:
    """Return where the report of a job is found."""
    return f"/jobs/{job_id}"
