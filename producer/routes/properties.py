"""Properties and sales of a county: put one, put many, look up, list."""

from collections.abc import Sequence
from typing import Final

import orjson
from aiohttp import web

from producer.answers import json_answer
from producer.body import parse_object, read_body, require_json
from producer.bulk import Faulty, Object, read_many
from producer.errors import InvalidBody, NotFound, ViewBehind
from producer.gateway import Gateway
from producer.lane import Record
from producer.parameters import county_in_path, query_int, query_text
from producer.rolls import property_record, property_row, sale_row
from producer.routes.run import MAX_BYTES
from schemas.printable import is_printable
from schemas.topics import Topic

_MAX_PROPERTY_ID: Final = 128


async def put_property(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Publish one property record; a request for it that follows finds it."""
    county_id, property_id = county_in_path(request), _property_in_path(request)
    require_json(request)
    body = parse_object(await read_body(request, limit=MAX_BYTES, seconds=gateway.settings.gateway_body_seconds))
    try:
        record = property_record(body, county_id, property_id, gateway.now_ms())
    except Faulty as wrong:
        raise InvalidBody("The property is not what the schema asks for.", faults=wrong.faults) from None
    await gateway.publisher.publish(gateway.topics.property_records, record)
    return json_answer(record.value or b"", status=202, headers={"Location": request.rel_url.raw_path})


async def get_property(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with one property record."""
    county_id, property_id = county_in_path(request), _property_in_path(request)
    await _catch_up(gateway)
    found = await gateway.properties.find(county_id, property_id)
    if found is None:
        raise NotFound("The county's roll holds no such property.")
    return json_answer(found)


async def list_properties(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with one page of a county's properties, in the order of their ids."""
    county_id = county_in_path(request)
    text = query_text(request, "q")
    after = query_text(request, "cursor")
    limit = query_int(request, "limit", default=100, low=1, high=1000)
    await _catch_up(gateway)
    page = await gateway.properties.search(county_id, text or "", after=after, limit=limit)
    return json_answer(b'{"items":[%b],"next":%b}' % (b",".join(page.items), orjson.dumps(page.next)))


async def post_properties(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Publish many property records, all of them or none."""
    county_id, now_ms = county_in_path(request), gateway.now_ms()

    def made(body: Object, pointer: str) -> Record:
        return property_row(body, county_id, pointer, now_ms)

    records = await read_many(request, made, seconds=gateway.settings.gateway_body_seconds)
    return await _published(gateway, gateway.topics.property_records, county_id, records)


async def post_sales(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Publish many sales, all of them or none."""
    county_id, now_ms = county_in_path(request), gateway.now_ms()

    def made(body: Object, pointer: str) -> Record:
        return sale_row(body, county_id, pointer, now_ms)

    records = await read_many(request, made, seconds=gateway.settings.gateway_body_seconds)
    return await _published(gateway, gateway.topics.property_sales, county_id, records)


async def _published(gateway: Gateway, topic: Topic, county_id: str, records: Sequence[Record]) -> web.StreamResponse:
    await gateway.publisher.publish_many(topic, records)
    return json_answer(orjson.dumps({"county_id": county_id, "accepted": len(records)}), status=202)


def _property_in_path(request: web.Request) -> str:
    stated = request.match_info["property_id"]
    if not 0 < len(stated) <= _MAX_PROPERTY_ID or not is_printable(stated):
        raise NotFound("The path names no property: 1 to 128 printable characters.")
    return stated


async def _catch_up(gateway: Gateway) -> None:
    if not await gateway.properties.catch_up(gateway.settings.gateway_catch_up_seconds):
        raise ViewBehind("The property roll cannot be read at present.", headers={"Retry-After": "2"})
