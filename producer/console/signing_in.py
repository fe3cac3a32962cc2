"""The sign-in page: an API key becomes a cookie that scripts cannot read and other sites cannot use."""

from typing import Final

from aiohttp import web

from producer.console.doors import form, see_other
from producer.console.rendering import page
from producer.gateway import Gateway
from producer.security.credentials import COOKIE

_SECONDS: Final = 12 * 3600
_MAX_KEY: Final = 256
_REFUSED: Final = "This API key is unknown, expired or revoked."


async def show(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with the form that asks for a key."""
    if not gateway.guard.on:
        return see_other("/")
    return page(gateway, request, "sign_in", place=_own(request.query.get("next", "/")), fault=None)


async def sign_in(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Keep a live key in the cookie and go where the visitor wanted to go."""
    fields = await form(request)
    place, token = _own(fields.get("next", "/")), fields.get("key", "").strip()
    if not gateway.guard.on:
        return see_other(place)
    if len(token) > _MAX_KEY or gateway.guard.identify(token) is None:
        return page(gateway, request, "sign_in", status=401, place=place, fault=_REFUSED)
    answer = see_other(place)
    answer.set_cookie(
        COOKIE, token, max_age=_SECONDS, path="/", httponly=True, samesite="Strict", secure=_encrypted(request)
    )
    return answer


async def sign_out(_gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Forget the key."""
    await form(request)
    answer = see_other("/sign-in")
    answer.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict", secure=_encrypted(request))
    return answer


def _own(place: str) -> str:
    """Return a place to go to if it is one of ours, the front page otherwise."""
    ours = place.startswith("/") and not place.startswith(("//", "/\\")) and place.isprintable() and place.isascii()
    return place if ours else "/"


def _encrypted(request: web.Request) -> bool:
    return request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"
