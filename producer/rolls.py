"""Turns posted properties and sales into the records of the compacted topics."""

from collections.abc import Mapping
from typing import Final

import orjson
from pydantic import BaseModel, ValidationError

from producer.bulk import Faulty, Object
from producer.errors import Conflict, Fault, InvalidBody
from producer.faults import complaints
from producer.lane import Record
from producer.models import Bounds, PropertyBody, PropertyRow, ReappraisalBody, SaleRow
from producer.properties.base import Condition
from producer.reappraisal import Reappraisal
from schemas.counties import normalise_county
from schemas.records import record_key

_DIFFERS: Final = "differs from the path"
_MAX_VALUE: Final = 512 * 1024


def property_record(body: Object, county_id: str, property_id: str, now_ms: int) -> Record:
    """Return the record of one property that the path names.

    Raises:
        Faulty: the body is not what the schema asks for.
        Conflict: it states another id than the path.
    """
    value = _value(PropertyBody, body, county_id, {"property_id": property_id})
    differs = {"property_id": body.get("property_id", property_id) not in {property_id, None}}
    differs["county_id"] = _other_county(body, county_id)
    if any(differs.values()):
        faults = [Fault(f"/{name}", _DIFFERS) for name, other in differs.items() if other]
        raise Conflict("The body is about another property than the path.", faults=faults)
    return Record(record_key(county_id, property_id), value, now_ms, [])


def property_row(body: Object, county_id: str, pointer: str, now_ms: int) -> Record:
    """Return the record of one property of many; ``pointer`` says where it stands.

    Raises:
        Faulty: it is not what the schema asks for.
    """
    value = _row(PropertyRow, body, county_id, pointer)
    return Record(record_key(county_id, str(body["property_id"])), value, now_ms, [])


def sale_row(body: Object, county_id: str, pointer: str, now_ms: int) -> Record:
    """Return the record of one sale of many; ``pointer`` says where it stands.

    Raises:
        Faulty: it is not what the schema asks for.
    """
    value = _row(SaleRow, body, county_id, pointer)
    return Record(record_key(county_id, str(body["sale_id"])), value, now_ms, [])


def _row(model: type[BaseModel], body: Object, county_id: str, pointer: str) -> bytes:
    value = _value(model, body, county_id, {}, pointer)
    if _other_county(body, county_id):
        raise Faulty((Fault(f"{pointer}/county_id", _DIFFERS),))
    return value


def _other_county(body: Object, county_id: str) -> bool:
    stated = body.get("county_id")
    return isinstance(stated, str) and normalise_county(stated) != county_id


def _value(model: type[BaseModel], body: Object, county_id: str, ids: Mapping[str, str], pointer: str = "") -> bytes:
    try:
        record = model.model_validate_json(orjson.dumps(body), strict=True)
    except ValidationError as wrong:
        raise Faulty(complaints(wrong, body, below=pointer)) from None
    known = record.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    value = orjson.dumps({**known, **ids, "county_id": county_id})
    if len(value) > _MAX_VALUE:
        raise Faulty((Fault(pointer, "is too large"),))
    return value


def read_reappraisal(body: Object) -> Reappraisal:
    """Return the reappraisal that a body asks for.

    Raises:
        InvalidBody: the body is not what the schema asks for.
    """
    try:
        asked = ReappraisalBody.model_validate_json(orjson.dumps(body), strict=True)
    except ValidationError as wrong:
        raise InvalidBody("The reappraisal is not what the schema asks for.", faults=complaints(wrong, body)) from None
    day = asked.valuation_date
    return Reappraisal(
        asked.county_id,
        [_condition(name, wanted) for name, wanted in asked.filters.items()],
        None if day is None else day.isoformat(),
        asked.valuation_method_hint,
    )


def _condition(name: str, wanted: str | float | Bounds) -> Condition:
    if isinstance(wanted, Bounds):
        return Condition(name, low=wanted.min, high=wanted.max)
    return Condition(name, values=[wanted])
