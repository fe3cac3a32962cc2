"""Reads the headers that change how a request is answered: Prefer, Idempotency-Key, traceparent, Accept."""

import re
from typing import Final

from aiohttp import web

from producer.errors import MalformedRequest

MAX_WAIT: Final = 30.0
"""Seconds that ``Prefer: wait`` is honoured for at most."""

_WAIT: Final = re.compile(r'(?:^|,)\s*wait\s*=\s*"?(\d{1,6})"?\s*(?=$|,|;)', re.IGNORECASE | re.ASCII)
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_MAX_KEY: Final = 255
_WEIGHT: Final = re.compile(r"[01](?:\.\d{0,3})?", re.ASCII)


def preferred_wait(request: web.Request) -> float:
    """Return the seconds the caller would wait for the result (RFC 7240), 0 where it does not ask to.

    What cannot be read is ignored, as the RFC has it.
    """
    stated = request.headers.getall("Prefer", None)
    if stated is None:
        return 0.0
    found = _WAIT.search(", ".join(stated))
    return 0.0 if found is None else min(float(found[1]), MAX_WAIT)


def idempotency_key(request: web.Request) -> str | None:
    """Return the idempotency key, without the quotes that it may be written in; None where there is none.

    Raises:
        MalformedRequest: the key is empty, too long, or not printable ASCII.
    """
    stated = request.headers.get("Idempotency-Key")
    if stated is None:
        return None
    key = stated[1:-1] if len(stated) > 1 and stated[0] == stated[-1] == '"' else stated
    if not 0 < len(key) <= _MAX_KEY or not key.isascii() or not key.isprintable():
        raise MalformedRequest(f"Idempotency-Key must be 1 to {_MAX_KEY} printable ASCII characters.")
    return key


def traceparent(request: web.Request) -> bytes | None:
    """Return the W3C trace context to carry along, None where there is none that is valid."""
    stated = request.headers.get("traceparent")
    return stated.encode() if stated is not None and _TRACEPARENT.fullmatch(stated) else None


def prefers_html(request: web.Request) -> bool:
    """Return whether the caller would rather have a page than JSON: browsers say so, programs hardly ever."""
    stated = request.headers.get("Accept")
    if stated is None or "text/html" not in stated:
        return False
    html = _quality(stated, "text/html")
    return html > 0 and html > _quality(stated, "application/json")


def _quality(accept: str, media_type: str) -> float:
    """Return how much a media type that is named is wanted (RFC 9110, section 12.5.1), 0 where it is not named."""
    for stated in accept.split(","):
        name, *parameters = stated.split(";")
        if name.strip().lower() == media_type:
            weights = [one.partition("=")[2].strip() for one in parameters if one.strip().lower().startswith("q=")]
            return float(weights[0]) if weights and _WEIGHT.fullmatch(weights[0]) else 1.0
    return 0.0
