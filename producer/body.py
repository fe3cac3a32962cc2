"""Reads request bodies: how large, how slow and what type they may be, and strict JSON out of them.

JSON is read as RFC 8259 has it: UTF-8 without a byte order mark, no NaN or Infinity, no lone surrogates, numbers
within the range of a double, 1,024 levels at most. Of repeated members the last one counts.
"""

import asyncio
from typing import Final

import orjson
from aiohttp import web

from producer.errors import BodyTimeout, Fault, InvalidBody, MalformedRequest, TooLarge, UnsupportedMedia

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
_CODINGS: Final = frozenset({"identity", "gzip", "deflate"})
_UTF8: Final = frozenset({"utf-8", "utf8"})


def media_type(request: web.Request) -> str:
    """Return the body's media type in lower case, with any ``+json`` type as ``application/json``.

    Raises:
        UnsupportedMedia: none is stated, or a charset other than UTF-8.
    """
    stated = request.headers.get("Content-Type")
    if stated == JSON:
        return JSON
    if stated is None:
        raise UnsupportedMedia("The request has no Content-Type; application/json is needed.")
    name = request.content_type.lower()
    charset = request.charset
    if charset is not None and charset.lower() not in _UTF8:
        raise UnsupportedMedia(f"JSON is UTF-8, not {charset[:40]}.")
    return JSON if name.endswith("+json") else name


def require_json(request: web.Request) -> None:
    """Refuse a body that is not said to be JSON.

    Raises:
        UnsupportedMedia: the Content-Type is something else, or absent.
    """
    if media_type(request) != JSON:
        raise UnsupportedMedia("The body must be application/json.")


async def read_body(request: web.Request, *, limit: int, seconds: float) -> bytes:
    """Return the whole body, at most ``limit`` bytes of it, decompressed.

    Raises:
        TooLarge: there is more than that.
        BodyTimeout: it did not arrive within ``seconds``.
        MalformedRequest: its framing or compression is broken.
        UnsupportedMedia: it is compressed in another way than gzip or deflate.
    """
    if request.headers.get("Content-Encoding", "identity").lower() not in _CODINGS:
        raise UnsupportedMedia("The body must be plain, gzip or deflate.", headers={"Accept-Encoding": "gzip, deflate"})
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    content = request.content
    if content.is_eof():
        body = content.read_nowait()
        if len(body) > limit:
            raise _too_large(limit)
        return body
    try:
        async with asyncio.timeout(seconds):
            return await _read_on(request, limit)
    except TimeoutError:
        raise BodyTimeout(f"The body did not arrive within {seconds:g} seconds.") from None


async def _read_on(request: web.Request, limit: int) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > limit:
                raise _too_large(limit)
    except web.RequestPayloadError as wrong:
        raise MalformedRequest(f"The body cannot be read: {wrong}") from wrong
    return bytes(body)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit} bytes.")


def parse_json(raw: bytes) -> object:
    """Return what a JSON text says.

    Raises:
        MalformedRequest: it is no JSON.
    """
    try:
        parsed: object = orjson.loads(raw)
    except orjson.JSONDecodeError as wrong:
        raise MalformedRequest("The body is not JSON.", faults=(Fault("", str(wrong)),)) from None
    return parsed


def parse_object(raw: bytes) -> dict[str, object]:
    """Return the JSON object that a text holds.

    Raises:
        MalformedRequest: it is no JSON.
        InvalidBody: it is JSON and no object.
    """
    parsed = parse_json(raw)
    if type(parsed) is not dict:
        raise InvalidBody("The body must be a JSON object.", faults=(Fault("", "must be a JSON object"),))
    return parsed
