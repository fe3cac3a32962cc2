"""What every answer tells browsers: what a page may load, that types are meant, and which other sites may call.

No other site may, until GATEWAY_CORS_ORIGINS names it; and none with the console's cookie.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Final

from aiohttp import web

from producer.security.guard import CALLER

PAGE_POLICY: Final = (
    "default-src 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; img-src 'self' data:; "
    "script-src 'self'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of server-rendered pages: everything from here, nothing inline."""
_DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SHOWN: Final = (
    "Location, Retry-After, Preference-Applied, Idempotency-Replayed, RateLimit, RateLimit-Policy, WWW-Authenticate"
)
_MAY_SEND: Final = (
    "Authorization, X-API-Key, Content-Type, Idempotency-Key, Prefer, Last-Event-ID, traceparent, X-Request-ID"
)
_PREFLIGHT_SECONDS: Final = "600"

Prepared = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def headers_for(origins: Collection[str]) -> Prepared:
    """Return what puts the fields on every answer before it is sent; ``origins`` may call from their pages."""

    async def prepare(request: web.Request, answer: web.StreamResponse) -> None:
        headers = answer.headers
        for name, value in ALWAYS.items():
            headers.setdefault(name, value)
        if "Content-Security-Policy" not in headers:
            html = headers.get("Content-Type", "").startswith("text/html")
            headers["Content-Security-Policy"] = PAGE_POLICY if html else _DATA_POLICY
        if "Cache-Control" not in headers:
            headers["Cache-Control"] = "no-store"
        caller = request.get(CALLER)
        if caller is not None and caller.allowance is not None:
            headers.update(caller.allowance.fields())
        if origins:
            _tell_other_sites(request, answer, origins)

    return prepare


def _tell_other_sites(request: web.Request, answer: web.StreamResponse, origins: Collection[str]) -> None:
    headers = answer.headers
    headers.add("Vary", "Origin")
    origin = request.headers.get("Origin")
    if origin is None or origin not in origins:
        return
    headers["Access-Control-Allow-Origin"] = origin
    headers["Access-Control-Expose-Headers"] = _SHOWN
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        headers["Access-Control-Allow-Methods"] = headers.get("Allow", "")
        headers["Access-Control-Allow-Headers"] = _MAY_SEND
        headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
