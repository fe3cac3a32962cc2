"""Counties, the model that serves each, and its ratio study."""

import orjson
from aiohttp import web

from producer.answers import json_answer
from producer.errors import NotFound
from producer.gateway import Gateway
from producer.parameters import county_in_path


async def counties(gateway: Gateway, _request: web.Request) -> web.StreamResponse:
    """Answer with every county that has properties or a model."""
    sizes = {size.county_id: size.properties for size in await gateway.properties.counties()}
    models = {county: orjson.loads(record)["version"] for county, record in (await gateway.properties.models()).items()}
    items = [
        {"county_id": county, "properties": sizes.get(county, 0), "model_version": models.get(county)}
        for county in sorted(sizes.keys() | models.keys())
    ]
    return json_answer(orjson.dumps({"items": items}))


async def model(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with the model that serves a county."""
    return json_answer(await _model(gateway, request))


async def ratio_study(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with the forward ratio study of the model that serves a county."""
    record = orjson.loads(await _model(gateway, request))
    study = {name: record[name] for name in ("county_id", "version", "trained_at")}
    return json_answer(orjson.dumps(study | {"study": record.get("study", {})}))


async def _model(gateway: Gateway, request: web.Request) -> bytes:
    county_id = county_in_path(request)
    found = (await gateway.properties.models()).get(county_id)
    if found is None:
        raise NotFound(f"No model serves county {county_id}.")
    return found
