"""The form that asks for a valuation: a property, a date, a method, and characteristics to try."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from producer.console import words
from producer.console.doors import form, see_other
from producer.console.job_list import known_counties
from producer.console.rendering import page
from producer.console.report import report_path
from producer.console.roll import Parcel, parcel
from producer.errors import ProducerError, Refused
from producer.gateway import Gateway
from producer.ids import new_job_id
from producer.orders import FaultyOrder, read_order
from producer.submission import Submission, submit
from schemas.counties import normalise_county
from schemas.records import NUMERIC_FIELDS, TEXT_FIELDS

METHODS: Final = ("reconciled", "model", "sales_comparison", "cost")
_PREFIX: Final = "c."
_HIDDEN: Final = frozenset({"latitude", "longitude", "address", "assessed_value"})
_OFFERED: Final = tuple(name for name in (*NUMERIC_FIELDS, *TEXT_FIELDS) if name not in _HIDDEN)
_ASKED: Final = ("property_id", "county_id", "valuation_date", "valuation_method_hint")


async def show(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with the empty form, or one about the property that the query names."""
    stated = {name: request.query.get(name, "") for name in _ASKED}
    return await _form(gateway, request, stated, [])


async def post(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Publish the request and go to its report; a form that cannot be used comes back with what is wrong."""
    fields = await form(request)
    subject = await _subject(gateway, fields)
    body = _body(fields, subject)
    now_ms = gateway.now_ms()
    try:
        order = read_order(body, job_id=new_job_id(now_ms), now_ms=now_ms)
        accepted = await submit(gateway, Submission(order, None, 0.0, None, named=False))
    except FaultyOrder as wrong:
        faults = [(fault.pointer.strip("/"), fault.message) for fault in wrong.faults]
        return await _form(gateway, request, fields, faults, status=422)
    except ProducerError as wrong:
        status = wrong.status if isinstance(wrong, Refused) else 503
        return await _form(gateway, request, fields, [("", wrong.detail)], status=status)
    return see_other(report_path(accepted.job_id))


async def _form(
    gateway: Gateway,
    request: web.Request,
    fields: Mapping[str, str],
    faults: Sequence[tuple[str, str]],
    status: int = 200,
) -> web.Response:
    subject = await _subject(gateway, fields)
    return page(
        gateway,
        request,
        "submit",
        status=status,
        fields=fields,
        faults=[(_label(name), message) for name, message in faults],
        faulty={name for name, _ in faults},
        counties=await known_counties(gateway),
        methods=METHODS,
        subject=subject,
        changes=_changes(fields, subject),
    )


async def _subject(gateway: Gateway, fields: Mapping[str, str]) -> Parcel:
    property_id, county = fields.get("property_id", ""), fields.get("county_id", "")
    try:
        return await parcel(gateway, normalise_county(county), property_id) if property_id else Parcel("")
    except ValueError:
        return Parcel(property_id)


def _changes(fields: Mapping[str, str], subject: Parcel) -> list[tuple[str, str, str]]:
    """Return the characteristics to offer: field name, what the roll says, what was typed."""
    features = subject.known.get("features")
    names = [*_OFFERED, *(sorted(features) if isinstance(features, Mapping) else [])]
    typed = [name.removeprefix(_PREFIX) for name, text in fields.items() if name.startswith(_PREFIX) and text]
    offered = dict.fromkeys([*names, *typed])
    return [(name, _text(subject.characteristic(name)), fields.get(_PREFIX + name, "")) for name in offered]


def _text(value: float | str | None) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _body(fields: Mapping[str, str], subject: Parcel) -> dict[str, object]:
    """Return the request that a form asks for, to be judged like any other."""
    body: dict[str, object] = {name: text.strip() for name in _ASKED if (text := fields.get(name, "")).strip()}
    changes = {
        name.removeprefix(_PREFIX): _value(name.removeprefix(_PREFIX), text.strip(), subject)
        for name, text in fields.items()
        if name.startswith(_PREFIX) and len(name) > len(_PREFIX) and text.strip()
    }
    return body | ({"characteristics": changes} if changes else {})


def _value(name: str, text: str, subject: Parcel) -> float | str:
    """Return a typed characteristic as the kind of value that the roll holds: text stays text, numbers are read."""
    if name in TEXT_FIELDS or isinstance(subject.characteristic(name), str):
        return text
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _label(pointer: str) -> str:
    """Return what the form calls the member of a request that a pointer names."""
    name = pointer.rpartition("/")[2]
    return {"property_id": "Property", "county_id": "County", "valuation_date": "Valuation date"}.get(
        name, words.feature(name) if name else ""
    )
