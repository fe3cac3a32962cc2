"""Where a request carries its API key: ``Authorization: Bearer``, ``X-API-Key``, or the console's cookie."""

from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

COOKIE: Final = "terrafusion_key"
"""The console's cookie: HttpOnly, SameSite=Strict; it holds the key itself."""

_BEARER: Final = "bearer "
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN: Final = frozenset({"same-origin", "none"})


def presented(request: web.Request) -> str | None:
    """Return the key that a request presents, None where it presents none.

    A browser sends its cookie along with requests that another site made it send, so that for a request that changes
    something the cookie counts only where the browser says that a page of this gateway made it.
    """
    stated = request.headers.get("Authorization")
    if stated is not None and stated[: len(_BEARER)].lower() == _BEARER:
        return stated[len(_BEARER) :].strip()
    stated = request.headers.get("X-API-Key")
    if stated is not None:
        return stated.strip()
    if "Cookie" in request.headers and (request.method in _SAFE_METHODS or from_own_page(request)):
        return request.cookies.get(COOKIE)
    return None


def from_own_page(request: web.Request) -> bool:
    """Return whether a browser says that a page of this gateway made the request."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in _OWN
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("Host")
