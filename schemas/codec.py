"""Requests on the hot path: the shape of ``schemas.events.RequestEvent``, read and written in about a microsecond.

A well-formed request is checked by hand; only a rejected one pays for a sentence that says what is wrong with it.
"""

import re
from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid5

import msgspec
import orjson

from schemas.clock import day_number, epoch_ms, rfc3339
from schemas.counties import normalise_county
from schemas.errors import InvalidRequest
from schemas.printable import is_printable

_KEYLESS: Final = UUID("6f9f0b0e-2f3c-5a53-9d2e-0c1d3b6c7a10")
"""Namespace of job ids that derive from a record's place on the topic."""

_UUID_LENGTH: Final = 36
_HYPHENATED: Final = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_CANONICAL: Final = re.compile(_HYPHENATED)
_SPELLING: Final = re.compile(
    rf"(?:urn:uuid:)?{_HYPHENATED}|\{{{_HYPHENATED}\}}|[0-9a-f]{{32}}", re.ASCII | re.IGNORECASE
)
_DAY_MS: Final = 86_400_000
_MAX_PROPERTY_ID: Final = 128
_MAX_COUNTY_ID: Final = 64
_MAX_HINT: Final = 64
_MAX_BATCH_ID: Final = 128
_MAX_CHARACTERISTICS: Final = 512
_MAX_NAME: Final = 128
_MAX_TEXT: Final = 1024
_KNOWN_COUNTIES: Final[dict[str, str]] = {}
"""Valid spellings of counties that came by, and what they come to."""
_MAX_KNOWN_COUNTIES: Final = 4096
_PLAIN_MEMBERS: Final = frozenset({"job_id", "property_id", "county_id", "created_at"})
"""A request with no other members has no options to look at."""


class _Plain(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A request as the gateway writes nearly all of them; whatever is no such request is read the long way."""

    job_id: str
    property_id: str
    county_id: str
    created_at: str
    batch_id: str | None = None


_plain: Final = msgspec.json.Decoder(_Plain).decode


class Request(msgspec.Struct, gc=False):
    """One request as the processor works on it; ids are normalised, ``day`` counts days since 1970-01-01."""

    job_id: str
    property_id: str
    county_id: str
    created_ms: int
    day: int
    valuation_method_hint: str | None = None
    characteristics: Mapping[str, float | str | None] | None = None
    batch_id: str | None = None


def canonical_uuid(text: str) -> str:
    """Return the lower-case hyphenated form of a UUID in any of its usual spellings.

    Those are RFC 9562's in any case, also as ``urn:uuid:`` or in braces, and 32 digits without hyphens; ``UUID`` would
    take hyphens at any place.

    Raises:
        ValueError: the text is no UUID.
    """
    if _CANONICAL.fullmatch(text):
        return text
    if not _SPELLING.fullmatch(text):
        raise ValueError("not a UUID")
    return str(UUID(text))


def derived_job_id(topic: str, partition: int, offset: int) -> str:
    """Return the job id of a request that names none: a UUIDv5 of its place on the topic."""
    return str(uuid5(_KEYLESS, f"{topic}/{partition}/{offset}"))


def decode_request(  # noqa: PLR0913 - a record's coordinates
    value: bytes | None, *, key: bytes | None, topic: str, partition: int, offset: int, timestamp_ms: int
) -> Request:
    """Read a record of the requests topic.

    The job id is the value's ``job_id``; where that is absent or null the record's key if it is a UUID; else a UUIDv5
    of topic, partition and offset. The valuation day is the value's ``valuation_date``, else the day of the request.

    Raises:
        InvalidRequest: the record is no valid request; the error carries a readable job id if there is one.
    """
    try:
        plain = _plain(value or b"")
        property_id, batch_id = plain.property_id, plain.batch_id
        if (
            _CANONICAL.fullmatch(plain.job_id)
            and 0 < len(property_id) <= _MAX_PROPERTY_ID
            and property_id.isascii()
            and property_id.isprintable()
            and (batch_id is None or 0 < len(batch_id) <= _MAX_BATCH_ID)
        ):
            created_ms, county_id = epoch_ms(plain.created_at), _county(plain.county_id)
            return Request(
                plain.job_id, property_id, county_id, created_ms, created_ms // _DAY_MS, None, None, batch_id
            )
    except (msgspec.MsgspecError, ValueError, OverflowError):
        pass  # whatever it is, it is none of the plain requests that the gateway writes
    return _decode_any(value, key, (topic, partition, offset), timestamp_ms)


def _decode_any(value: bytes | None, key: bytes | None, place: tuple[str, int, int], timestamp_ms: int) -> Request:
    body = _parsed(value)
    stated = body.get("job_id")
    readable = _stated_job_id(stated) if stated is not None else _key_job_id(key)
    job_id = readable or derived_job_id(*place)
    try:
        return request_from(body, job_id, timestamp_ms)
    except ValueError as wrong:
        raise InvalidRequest(
            str(wrong),
            job_id=readable,
            property_id=_readable(body.get("property_id"), _MAX_PROPERTY_ID),
            county_id=_readable(body.get("county_id"), _MAX_COUNTY_ID),
        ) from None


def peek_job_id(value: bytes | None, *, key: bytes | None, topic: str, partition: int, offset: int) -> str | None:
    """Return the job id under which a record is answered, None where it is answered under none.

    Only a valid request is given an id that it does not bring along: what is no request becomes a dead letter alone.
    """
    try:
        body = _parsed(value)
        stated = body.get("job_id")
        job_id = _stated_job_id(stated) if stated is not None else _key_job_id(key)
        if job_id is None:
            decode_request(value, key=key, topic=topic, partition=partition, offset=offset, timestamp_ms=0)
    except InvalidRequest:
        return None
    return job_id or derived_job_id(topic, partition, offset)


def _parsed(value: bytes | None) -> dict[str, object]:
    if value is None:
        raise InvalidRequest("the record has no value; a request is a JSON object")
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError as wrong:
        raise InvalidRequest(f"the value is no JSON: {wrong}") from None
    if type(body) is not dict:
        raise InvalidRequest(f"a request is a JSON object, not {_kind(body)}")
    return body


def _stated_job_id(stated: object) -> str:
    if type(stated) is not str:
        raise InvalidRequest("job_id must be a UUID as text")
    try:
        return canonical_uuid(stated)
    except ValueError:
        raise InvalidRequest("job_id is no UUID") from None


def _key_job_id(key: bytes | None) -> str | None:
    if key is None or len(key) != _UUID_LENGTH:
        return None
    try:
        return canonical_uuid(key.decode("ascii"))
    except ValueError:
        return None


def request_from(body: Mapping[str, object], job_id: str, timestamp_ms: int) -> Request:
    """Check a request's members and return it under a job id; the same rules hold over HTTP and on the topic.

    Raises:
        ValueError: a member is not what a request asks for.
    """
    property_id = body.get("property_id")
    if type(property_id) is not str or not 0 < len(property_id) <= _MAX_PROPERTY_ID or not is_printable(property_id):
        raise ValueError(_id_problem("property_id", property_id, _MAX_PROPERTY_ID))
    county_id = _county(body.get("county_id"))
    created = body.get("created_at")
    created_ms = timestamp_ms if created is None else _created(created)
    request = Request(job_id, property_id, county_id, created_ms, created_ms // _DAY_MS)
    if not body.keys() <= _PLAIN_MEMBERS:
        _add_options(request, body)
    return request


def _county(stated: object) -> str:
    county = _KNOWN_COUNTIES.get(stated) if type(stated) is str else None
    if county is None:
        if type(stated) is not str or not 0 < len(stated) <= _MAX_COUNTY_ID or not is_printable(stated):
            raise ValueError(_id_problem("county_id", stated, _MAX_COUNTY_ID))
        county = normalise_county(stated)
        if len(_KNOWN_COUNTIES) < _MAX_KNOWN_COUNTIES:
            _KNOWN_COUNTIES[stated] = county
    return county


def _add_options(request: Request, body: Mapping[str, object]) -> None:
    if (day := body.get("valuation_date")) is not None:
        request.day = _day(day)
    if (hint := body.get("valuation_method_hint")) is not None:
        request.valuation_method_hint = _text(hint, "valuation_method_hint", _MAX_HINT)
    if (characteristics := body.get("characteristics")) is not None:
        request.characteristics = _characteristics(characteristics)
    if (batch := body.get("batch_id")) is not None:
        request.batch_id = _text(batch, "batch_id", _MAX_BATCH_ID, shortest=1)


def _id_problem(name: str, text: object, limit: int) -> str:
    if type(text) is not str:
        return f"{name} is missing" if text is None else f"{name} must be text, not {_kind(text)}"
    return f"{name} must be printable" if 0 < len(text) <= limit else f"{name} must have 1 to {limit} characters"


def _text(value: object, name: str, limit: int, *, shortest: int = 0) -> str:
    if type(value) is not str:
        raise ValueError(f"{name} must be text, not {_kind(value)}")
    if not shortest <= len(value) <= limit:
        raise ValueError(f"{name} must have {shortest} to {limit} characters")
    return value


def _day(value: object) -> int:
    if type(value) is not str:
        raise ValueError(f"valuation_date must be text, not {_kind(value)}")
    try:
        return day_number(value)
    except ValueError as wrong:
        raise ValueError(f"valuation_date: {wrong}") from None


def _created(value: object) -> int:
    if type(value) is not str:
        raise ValueError(f"created_at must be text, not {_kind(value)}")
    try:
        return epoch_ms(value)
    except ValueError as wrong:
        raise ValueError(f"created_at: {wrong}") from None


def _characteristics(value: object) -> Mapping[str, float | str | None]:
    if type(value) is not dict:
        raise ValueError(f"characteristics must be an object, not {_kind(value)}")
    if len(value) > _MAX_CHARACTERISTICS:
        raise ValueError(f"characteristics must have at most {_MAX_CHARACTERISTICS} members")
    for name, stated in value.items():
        if not 0 < len(name) <= _MAX_NAME:
            raise ValueError(f"characteristics: a name must have 1 to {_MAX_NAME} characters")
        if isinstance(stated, bool) or not (stated is None or isinstance(stated, int | float | str)):
            raise ValueError(f"characteristics/{name} must be a number, a text or null, not {_kind(stated)}")
        if isinstance(stated, str) and len(stated) > _MAX_TEXT:
            raise ValueError(f"characteristics/{name} must have at most {_MAX_TEXT} characters")
    return value


def _kind(value: object) -> str:
    kinds: dict[type, str] = {str: "a text", bool: "a truth value", int: "a number", float: "a number"}
    kinds |= {list: "an array", dict: "an object", type(None): "null"}
    return kinds.get(type(value), type(value).__name__)


def _readable(value: object, limit: int) -> str:
    return value[:limit] if isinstance(value, str) else ""


def encode_request(request: Request, *, valuation_date: str | None) -> bytes:
    """Write a request event; members that are not set are left out.

    ``valuation_date`` is what the caller stated, since ``request.day`` no longer tells a stated day from a default.
    """
    body: dict[str, object] = {
        "job_id": request.job_id,
        "property_id": request.property_id,
        "county_id": request.county_id,
        "created_at": rfc3339(request.created_ms),
    }
    if request.valuation_method_hint is not None:
        body["valuation_method_hint"] = request.valuation_method_hint
    if valuation_date is not None:
        body["valuation_date"] = valuation_date
    if request.characteristics is not None:
        body["characteristics"] = request.characteristics
    if request.batch_id is not None:
        body["batch_id"] = request.batch_id
    return orjson.dumps(body)
