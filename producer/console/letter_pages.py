"""Dead letters, to look at: what could not be read as a request, why, and what became of it."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from aiohttp import web

from producer.console.rendering import page
from producer.gateway import Gateway
from producer.routes import deadletters

_PLACE: Final = "/dead-letters"


async def show_all(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with one page of dead letters, the newest first."""
    found = _read(await deadletters.list_letters(gateway, request))
    stated = {name: value for name in ("reason", "limit") if (value := request.query.get(name))}
    older = None if found["next"] is None else f"{_PLACE}?{urlencode({**stated, 'cursor': found['next']})}"
    return page(gateway, request, "letters", letters=found["items"], older=older)


async def show(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with everything of one dead letter."""
    return page(gateway, request, "letter", letter=_read(await deadletters.one(gateway, request)))


def _read(answer: web.StreamResponse) -> Mapping[str, Any]:
    """Return what the interface answers; its errors have been raised before."""
    body = answer.body if isinstance(answer, web.Response) else None
    found: Mapping[str, Any] = orjson.loads(body if isinstance(body, bytes) else b"{}")
    return found
