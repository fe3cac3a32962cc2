"""Counties: the model in service, how it fares against sales, the roll, and a button that values it anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiohttp import web

from producer.console.batch_pages import of_county
from producer.console.doors import form, see_other
from producer.console.drawing import charts
from producer.console.drawing.charts import Histogram, IndexChart, RatioChart
from producer.console.rendering import page
from producer.console.serving import Group, Serving, serving, verdicts
from producer.errors import InvalidBody, NotFound, ViewBehind
from producer.gateway import Gateway
from producer.ids import new_job_id
from producer.parameters import county_in_path, query_text
from producer.rolls import read_reappraisal
from producer.store.base import JobFilter
from schemas.reasons import JobStatus

_FOUND: Final = 20
_BATCHES: Final = 5


@dataclass(frozen=True, slots=True)
class Charts:
    """The pictures of a model; None where its announcement does not hold what they need."""

    deciles: RatioChart | None
    months: RatioChart | None
    histogram: Histogram | None
    index: IndexChart | None


@dataclass(frozen=True, slots=True)
class Tried:
    """A form that could not be used: what was typed, and what is wrong with it."""

    fields: Mapping[str, str] = field(default_factory=dict)
    faults: Sequence[str] = ()


NOTHING_TRIED: Final = Tried()


async def show_all(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with every county that has properties or a model."""
    sizes = {size.county_id: size.properties for size in await gateway.properties.counties()}
    counties = sorted(sizes.keys() | (await gateway.properties.models()).keys())
    found = [(county, sizes.get(county, 0), await serving(gateway, county)) for county in counties]
    return page(gateway, request, "counties", counties=found)


async def show(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with one county."""
    county_id = county_in_path(request)
    return await _page(gateway, request, county_id)


async def reappraise(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Begin to value a county anew and show the batch."""
    county_id = county_in_path(request)
    fields = await form(request)
    if not await gateway.properties.catch_up(gateway.settings.gateway_catch_up_seconds):
        raise ViewBehind("The property roll cannot be read at present.", headers={"Retry-After": "2"})
    try:
        wanted = read_reappraisal(_body(county_id, fields))
    except InvalidBody as wrong:
        return await _page(gateway, request, county_id, Tried(fields, [fault.message for fault in wrong.faults]))
    note = await gateway.reappraisals.begin(wanted, new_job_id(gateway.now_ms()))
    if note is None:
        return await _page(gateway, request, county_id, Tried(fields, ["No property meets these conditions."]))
    return see_other(f"/batches/{note.batch_id}")


async def _page(gateway: Gateway, request: web.Request, county_id: str, tried: Tried = NOTHING_TRIED) -> web.Response:
    size = next((one.properties for one in await gateway.properties.counties() if one.county_id == county_id), 0)
    model = await serving(gateway, county_id)
    if not size and model is None:
        raise NotFound(f"There is no county {county_id}.")
    text = request.query.get("q", "") and query_text(request, "q")
    found = await gateway.properties.search(county_id, text or "", after=None, limit=_FOUND)
    return page(
        gateway,
        request,
        "county",
        status=422 if tried.faults else 200,
        county_id=county_id,
        size=size,
        model=model,
        verdicts=[] if model is None else verdicts(model.study),
        charts=_charts(model),
        correction=await _correction(gateway, county_id),
        batches=await of_county(gateway, county_id, _BATCHES),
        text=text or "",
        properties=[orjson.loads(item) for item in found.items],
        more=found.next is not None,
        tried=tried,
    )


def _charts(model: Serving | None) -> Charts:
    if model is None:
        return Charts(None, None, None, None)
    study = model.study
    levels = [(one.month, one.level) for one in model.record.market_index]
    median = 1.0 if study.median_ratio is None else study.median_ratio
    bars = study.histogram
    return Charts(
        deciles=_ratios(study.by_decile, median, "tenth of the sales by worth (1 the cheapest)", decile=True),
        months=_ratios(study.by_month, median, "month of sale", decile=False),
        histogram=None if bars is None else charts.histogram(bars.start, bars.width, bars.counts, median),
        index=charts.index_chart(levels, []) if levels else None,
    )


def _ratios(found: Sequence[Group], median: float, name: str, *, decile: bool) -> RatioChart | None:
    if not found:
        return None
    groups = [_group(one, decile=decile) for one in found]
    return charts.ratio_chart(groups, median, name)


def _group(one: Group, *, decile: bool) -> charts.Group:
    low, high = (one.q25, one.q75) if decile else one.median_ci or (one.median, one.median)
    name = one.group.lstrip("0") if decile else one.group
    return charts.Group(name, f"{name}: {one.n} sales, median ratio {one.median:.3f}", one.median, low, high)


async def _correction(gateway: Gateway, county_id: str) -> Mapping[str, Any] | None:
    """Return the market level, with its correction, of the county's latest value."""
    latest = JobFilter(county_id=county_id, status=JobStatus.COMPLETED, limit=1)
    for job in orjson.loads((await gateway.view.jobs(latest, results=True)).items):
        found = (job.get("result") or {}).get("market_index")
        if isinstance(found, Mapping) and isinstance(found.get("correction"), int | float):
            return {**found, "completed_at": job.get("completed_at"), "job_id": job.get("job_id")}
    return None


def _body(county_id: str, fields: Mapping[str, str]) -> dict[str, object]:
    """Return the reappraisal that a form asks for, to be judged like any other."""
    body: dict[str, object] = {"county_id": county_id}
    for name in ("valuation_date", "valuation_method_hint"):
        if text := fields.get(name, "").strip():
            body[name] = text
    filters: dict[str, object] = {}
    for name in ("neighborhood", "property_class"):
        if text := fields.get(name, "").strip():
            filters[name] = text
    bounds = {side: _number(fields.get(f"year_built_{side}", "")) for side in ("min", "max")}
    stated = {side: value for side, value in bounds.items() if value is not None}
    if stated:
        filters["year_built"] = stated
    return body | ({"filters": filters} if filters else {})


def _number(text: str) -> float | str | None:
    """Return a typed number, nothing for an empty field, and what is no number as it is, to be refused."""
    text = text.strip()
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        return text
