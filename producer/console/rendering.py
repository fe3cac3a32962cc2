"""Makes pages of templates: all text is escaped, what a template does not know is an error, amounts are for people.

Records of a county are strangers' text; no template marks any of it as safe.
"""

import hashlib
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from producer.answers import SERVER
from producer.console import formats, words
from producer.gateway import Gateway
from producer.security.guard import CALLER

_HERE: Final = Path(__file__).parent
STATIC: Final = _HERE / "static"
_HTML: Final = "text/html; charset=utf-8"
_HEADERS: Final = {"Content-Type": _HTML, "Cache-Control": "no-store", "Vary": "Accept, Cookie", "Server": SERVER}


def page(
    gateway: Gateway, request: web.Request, template: str, *, status: int = HTTPStatus.OK, **context: object
) -> web.Response:
    """Return a page made of a template; it also gets who is signed in and which place of the menu it is."""
    caller = request.get(CALLER)
    body = (
        environment()
        .get_template(f"{template}.html.j2")
        .render(
            keys_needed=gateway.guard.on,
            client=None if caller is None else caller.client,
            here=request.rel_url.path,
            **context,
        )
    )
    return web.Response(body=body.encode("utf-8", "replace"), status=status, headers=_HEADERS)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the templates' environment."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    shown = (
        formats.dollars,
        formats.cents,
        formats.signed_cents,
        formats.number,
        formats.characteristic,
        formats.percent,
        formats.fixed,
        formats.day,
        formats.moment,
        formats.duration,
        words.feature,
        words.flag,
        words.method,
        words.failure,
        words.state,
        words.county,
        words.confidence,
        segment,
    )
    made.filters |= {one.__name__: one for one in shown}
    made.globals |= {"asset": asset_url, "kinds": words.KINDS, "dash": formats.NONE}
    return made


def segment(text: str) -> str:
    """Return a text as one segment of a path, slashes and all."""
    return quote(text, safe="")


@lru_cache
def asset(name: str) -> bytes:
    """Return a static file of the console."""
    return (STATIC / name).read_bytes()


@lru_cache
def asset_url(name: str) -> str:
    """Return the address of a static file; it changes with the file, so that browsers may keep it."""
    return f"/console/{name}?v={hashlib.sha256(asset(name)).hexdigest()[:12]}"
