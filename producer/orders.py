"""Turns a posted valuation request into a request event, or into sentences that say what is wrong with it.

A good request is checked by the same hand-written rules that the worker applies to the topic; only a rejected one
is read again with the schema's model, which knows a JSON pointer for each fault.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

import orjson

from producer.errors import Fault
from producer.faults import faults
from producer.ids import canonical
from schemas.clock import rfc3339
from schemas.codec import Request, encode_request, request_from
from schemas.events import ValuationRequest
from schemas.reasons import ACCEPTED, JobStatus

_MAX_COUNTY: Final = 64
_FINGERPRINT_BYTES: Final = 16


class Order(NamedTuple):
    """A valid request and the valuation date it stated, if any."""

    request: Request
    valuation_date: str | None

    @property
    def value(self) -> bytes:
        """Return the request event."""
        request = self.request
        property_id, batch_id = request.property_id, request.batch_id
        if (
            self.valuation_date is not None
            or request.valuation_method_hint is not None
            or request.characteristics is not None
            or '"' in property_id
            or "\\" in property_id
        ):
            return encode_request(request, valuation_date=self.valuation_date)
        tail = "}" if batch_id is None else f',"batch_id":"{batch_id}"}}'
        return (
            f'{{"job_id":"{request.job_id}","property_id":"{property_id}","county_id":"{request.county_id}"'
            f',"created_at":"{rfc3339(request.created_ms)}"{tail}'
        ).encode()

    def job(self) -> dict[str, object]:
        """Return the job object as it stands on acceptance."""
        request = self.request
        created = rfc3339(request.created_ms)
        return {
            "job_id": request.job_id,
            "property_id": request.property_id,
            "county_id": request.county_id,
            "status": JobStatus.PENDING.value,
            "message": ACCEPTED,
            "created_at": created,
            "updated_at": created,
            "started_at": None,
            "completed_at": None,
            "failure_reason": None,
            "batch_id": request.batch_id,
            "valuation_method_hint": request.valuation_method_hint,
        }

    def asked(self) -> list[object]:
        """Return all that the caller asked for, in one order."""
        request = self.request
        return [
            request.job_id,
            request.property_id,
            request.county_id,
            request.valuation_method_hint,
            self.valuation_date,
            request.characteristics,
        ]


def fingerprint_of(orders: Iterable[Order]) -> bytes:
    """Return a digest of what is asked for, the same however the JSON was written."""
    digest = blake2b(digest_size=_FINGERPRINT_BYTES)
    for order in orders:
        digest.update(orjson.dumps(order.asked(), option=orjson.OPT_SORT_KEYS))
    return digest.digest()


class FaultyOrder(Exception):  # noqa: N818 - an order with faults; turned into a problem by whoever read it
    """A request that is not what the schema asks for."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults)
        self.faults = faults


def read_order(body: dict[str, object], *, job_id: str, now_ms: int, batch_id: str | None = None) -> Order:
    """Return the order that ``body`` places; ``job_id`` stands unless the body names its own.

    Members that a request does not have, event members such as ``created_at`` among them, are ignored.

    Raises:
        FaultyOrder: the body is not what the schema asks for.
    """
    if "created_at" in body or "batch_id" in body:
        body = {name: value for name, value in body.items() if name not in {"created_at", "batch_id"}}
    try:
        stated = body.get("job_id")
        if stated is not None:
            job_id = _canonical(stated)
        request = request_from(body, job_id, now_ms)
        _check_county(request.county_id)
    except ValueError as wrong:
        raise FaultyOrder(faults(ValuationRequest, body) or (Fault("", str(wrong)),)) from None
    request.batch_id = batch_id
    date = body.get("valuation_date")
    return Order(request, date if type(date) is str else None)


def _canonical(stated: object) -> str:
    if type(stated) is not str:
        raise ValueError("job_id must be a UUID as text")
    return canonical(stated)


def _check_county(county_id: str) -> None:
    if len(county_id) > _MAX_COUNTY:
        raise ValueError("county_id is too long in its normal form")
