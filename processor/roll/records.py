"""Reads records of the compacted topics into flat characteristics, leniently and quickly: tens of thousands a second.

The pydantic models of the language guard the way in; a topic may still hold anything, and one bad member must not make
a property disappear: only a record that cannot be read at all is refused. The columns refuse single members.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from processor.roll.errors import BadRecord
from schemas.clock import day_number
from schemas.counties import normalise_county
from schemas.recording import known_day

Members = Mapping[str, object]


@dataclass(slots=True)
class Entry:
    """One record: whose it is, and what it says; ``members`` is None where it deletes.

    Not frozen, because a million are made when a worker starts and freezing doubles their cost.
    """

    county_id: str
    own_id: str
    members: Members | None
    """Everything the record says, characteristics or not, features merged in under their own names."""
    features: Members
    """The county's own features."""
    digest: int
    """64 bits of a hash over id and bytes; equal records have equal digests in every process."""


@dataclass(slots=True)
class SaleEntry(Entry):
    """One sale record; the fields beside the characteristics are meaningless where it deletes."""

    property_id: str = ""
    document_number: str | None = None
    day: int = 0
    known_day: int = 0
    price: float = 0.0
    ineligible: str | None = None


def property_entry(key: bytes | None, value: bytes | None) -> Entry:
    """Read one record of ``property.records``.

    Raises:
        BadRecord: the record names no property, or is no JSON object.
    """
    body = _body(value)
    county_id, own_id = _identity(key, body, "property_id")
    if body is None:
        return Entry(county_id, own_id, None, {}, 0)
    features = _features(body)
    members = {**body, **features} if features else body
    return Entry(county_id, own_id, members, features, _digest(own_id, value))


def sale_entry(key: bytes | None, value: bytes | None) -> SaleEntry:
    """Read one record of ``property.sales``.

    Raises:
        BadRecord: the record names no sale or property, is no JSON object, or has no usable date or price.
    """
    body = _body(value)
    county_id, own_id = _identity(key, body, "sale_id")
    if body is None:
        return SaleEntry(county_id, own_id, None, {}, 0)
    property_id = body.get("property_id")
    if not isinstance(property_id, str) or not property_id:
        raise BadRecord("no_property_id")
    day = _day(body.get("sale_date"))
    features = _features(body)
    return SaleEntry(
        county_id,
        own_id,
        {**body, **features},
        features,
        _digest(own_id, value),
        property_id=property_id,
        document_number=_text(body.get("document_number")),
        day=day,
        known_day=known_day(day, month_precision=body.get("month_precision") is True),
        price=_price(body.get("sale_price")),
        ineligible=_ineligible(body),
    )


def _body(value: bytes | None) -> dict[str, Any] | None:
    if value is None:
        return None
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise BadRecord("not_json") from None
    if not isinstance(body, dict):
        raise BadRecord("not_an_object")
    return body


def _identity(key: bytes | None, body: Mapping[str, Any] | None, field: str) -> tuple[str, str]:
    county, own_id = _from_key(key)
    if not own_id and body is not None:
        county, own_id = body.get("county_id"), body.get(field)
    if not isinstance(county, str) or not isinstance(own_id, str) or not own_id:
        raise BadRecord("no_id")
    try:
        return normalise_county(county), own_id
    except ValueError:
        raise BadRecord("no_county") from None


def _from_key(key: bytes | None) -> tuple[object, object]:
    try:
        county, _, own_id = (key or b"").decode().partition("/")
    except UnicodeDecodeError:
        return None, None
    return county, own_id


def _features(body: Members) -> Members:
    features = body.get("features")
    return features if isinstance(features, dict) else {}


def _digest(own_id: str, value: bytes | None) -> int:
    return int.from_bytes(blake2b(own_id.encode() + b"/" + (value or b""), digest_size=8).digest())


def _day(text: object) -> int:
    try:
        return day_number(text) if isinstance(text, str) else _no_day()
    except ValueError:
        return _no_day()


def _no_day() -> int:
    raise BadRecord("no_sale_date")


def _price(price: object) -> float:
    if isinstance(price, bool) or not isinstance(price, int | float) or not price > 0:
        raise BadRecord("no_sale_price")
    return float(price)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _ineligible(body: Mapping[str, Any]) -> str | None:
    if body.get("eligible") is not False:
        return None
    return _text(body.get("ineligible_reason")) or "not arm's length"
