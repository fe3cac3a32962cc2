"""Reads many JSON objects from one body, a JSON array or newline-delimited JSON, and reads all of it before judging.

Long bodies are worked on in slices, so that other requests are answered in between.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import orjson
from aiohttp import web

from producer.body import JSON, NDJSON, media_type, parse_json, read_body
from producer.errors import Fault, InvalidBody, TooLarge, UnsupportedMedia

MAX_BYTES: Final = 16 << 20
MAX_OBJECTS: Final = 50_000
_SLICE: Final = 250
_NDJSON_TYPES: Final = frozenset({NDJSON, "application/ndjson", "application/jsonl", "application/x-jsonlines"})
_T = TypeVar("_T")
Object = dict[str, object]


class Faulty(Exception):  # noqa: N818 - one object of many; collected, never seen by a caller
    """One object of a bulk body is not what it should be."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults)
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Bulk:
    """A body of many objects as it came: a JSON array, or lines."""

    raw: bytes
    lines: bool


async def read_bulk(request: web.Request, *, seconds: float) -> Bulk:
    """Return a bulk body, unread.

    Raises:
        UnsupportedMedia: the body is neither JSON nor NDJSON.
        TooLarge: more than 16 MiB.
    """
    kind = media_type(request)
    if kind != JSON and kind not in _NDJSON_TYPES:
        raise UnsupportedMedia("The body must be application/json (an array) or application/x-ndjson.")
    return Bulk(await read_body(request, limit=MAX_BYTES, seconds=seconds), lines=kind != JSON)


async def objects(bulk: Bulk, make: Callable[[Object, str], _T]) -> list[_T]:
    """Return what ``make(object, pointer)`` returns for every object of a body; ``make`` raises ``Faulty``.

    Raises:
        MalformedRequest: it is a JSON text that cannot be read.
        TooLarge: more than 50,000 objects.
        InvalidBody: it holds no object at all, or any object has a fault; the error names each of them.
    """
    rows: Sequence[object] = _lines(bulk.raw) if bulk.lines else _array(bulk.raw)
    if not rows:
        raise InvalidBody("The body holds nothing.", faults=(Fault("", "must hold at least one object"),))
    if len(rows) > MAX_OBJECTS:
        raise TooLarge(f"The body holds more than {MAX_OBJECTS} objects.")
    return await _made(rows, make)


async def read_many(request: web.Request, make: Callable[[Object, str], _T], *, seconds: float) -> list[_T]:
    """Return what ``make`` returns for every object of a request's body; see ``read_bulk`` and ``objects``."""
    return await objects(await read_bulk(request, seconds=seconds), make)


async def _made(rows: Sequence[object], make: Callable[[Object, str], _T]) -> list[_T]:
    made: list[_T] = []
    faults: list[Fault] = []
    for index, row in enumerate(rows):
        if index % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
        try:
            made.append(make(_object(row, index), f"/{index}"))
        except Faulty as wrong:
            faults.extend(wrong.faults)
    if faults:
        raise InvalidBody(f"{len(faults)} faults in {len(rows)} objects; nothing was accepted.", faults=faults)
    return made


def _array(raw: bytes) -> list[object]:
    parsed = parse_json(raw)
    if type(parsed) is not list:
        raise InvalidBody("The body must be a JSON array.", faults=(Fault("", "must be a JSON array"),))
    return parsed


def _lines(raw: bytes) -> list[bytes]:
    return [line for line in raw.split(b"\n") if line.strip()]


def _object(row: object, index: int) -> Object:
    if isinstance(row, bytes):
        try:
            row = orjson.loads(row)
        except orjson.JSONDecodeError as wrong:
            raise Faulty((Fault(f"/{index}", f"is not JSON: {wrong}"),)) from None
    if type(row) is not dict:
        raise Faulty((Fault(f"/{index}", "must be a JSON object"),))
    return row
