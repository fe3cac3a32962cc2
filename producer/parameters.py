"""Reads path and query parameters; each error says which parameter is wrong and why."""

from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID

from aiohttp import web

from producer.errors import MalformedRequest, NotFound
from producer.ids import canonical
from schemas.clock import epoch_ms
from schemas.counties import normalise_county
from schemas.printable import is_printable

_E = TypeVar("_E", bound=StrEnum)
_MAX_COUNTY: Final = 64
_MAX_BATCH: Final = 128


def job_id_in_path(request: web.Request) -> UUID:
    """Return the job id that the path names.

    Raises:
        MalformedRequest: it is no UUID.
    """
    return UUID(_uuid(request.match_info["job_id"], "The job id"))


def batch_in_path(request: web.Request) -> str:
    """Return the batch id that the path names.

    Raises:
        NotFound: no batch could have that id.
    """
    stated = request.match_info["batch_id"]
    if not 0 < len(stated) <= _MAX_BATCH or not is_printable(stated):
        raise NotFound("The path names no batch.")
    return stated


def query_text(request: web.Request, name: str, *, limit: int = 128) -> str | None:
    """Return a query parameter of 1 to ``limit`` printable characters, None where it is absent.

    Raises:
        MalformedRequest: it is empty, too long, unprintable or stated twice.
    """
    stated = request.query.getall(name, None)
    if stated is None:
        return None
    if len(stated) > 1:
        raise MalformedRequest(f"The parameter {name} is stated more than once.")
    if not 0 < len(stated[0]) <= limit or not is_printable(stated[0]):
        raise MalformedRequest(f"The parameter {name} must have 1 to {limit} printable characters.")
    return stated[0]


def query_county(request: web.Request, name: str = "county_id") -> str | None:
    """Return the normal form of a county that the query names, None where it names none."""
    stated = query_text(request, name, limit=_MAX_COUNTY)
    try:
        return None if stated is None else normalise_county(stated)
    except ValueError as wrong:
        raise MalformedRequest(f"The parameter {name}: {wrong}.") from None


def query_uuid(request: web.Request, name: str) -> str | None:
    """Return a UUID that the query names, None where it names none."""
    stated = query_text(request, name)
    return None if stated is None else _uuid(stated, f"The parameter {name}")


def query_choice(request: web.Request, name: str, choices: type[_E]) -> _E | None:
    """Return one of a closed set of values, None where the parameter is absent."""
    stated = query_text(request, name)
    if stated is None:
        return None
    try:
        return choices(stated)
    except ValueError:
        raise MalformedRequest(f"The parameter {name} must be one of {', '.join(choices)}.") from None


def query_int(request: web.Request, name: str, *, default: int, low: int, high: int) -> int:
    """Return a whole number within bounds, ``default`` where the parameter is absent."""
    stated = query_text(request, name)
    if stated is None:
        return default
    if not (stated.isascii() and stated.isdigit() and len(stated) <= len(str(high)) and low <= int(stated) <= high):
        raise MalformedRequest(f"The parameter {name} must be a whole number from {low} to {high}.")
    return int(stated)


def query_time(request: web.Request, name: str) -> int | None:
    """Return an RFC 3339 timestamp as milliseconds since 1970-01-01, None where the parameter is absent."""
    stated = query_text(request, name)
    if stated is None:
        return None
    try:
        return epoch_ms(stated)
    except (ValueError, OverflowError):
        raise MalformedRequest(f"The parameter {name} must be an RFC 3339 timestamp.") from None


def county_in_path(request: web.Request) -> str:
    """Return the normal form of the county that the path names.

    Raises:
        NotFound: the path names no county that could exist.
    """
    stated = request.match_info["county"]
    try:
        return normalise_county(_short(stated, _MAX_COUNTY))
    except ValueError:
        raise NotFound(
            "The path names no county: 1 to 64 printable characters, a letter or digit among them."
        ) from None


def _uuid(stated: str, what: str) -> str:
    try:
        return canonical(stated)
    except ValueError:
        raise MalformedRequest(f"{what} must be a UUID.") from None


def _short(text: str, limit: int) -> str:
    if len(text) > limit or not is_printable(text):
        raise ValueError(f"not 1 to {limit} printable characters")
    return text
