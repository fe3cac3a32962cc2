"""The documents of the interface: OpenAPI, AsyncAPI, and Swagger UI from its package."""

from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import orjson
from aiohttp import web

from producer.answers import json_answer
from producer.errors import NotFound
from producer.gateway import Gateway
from schemas.documents import DIRECTORY

ASSETS: Final = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "start.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
"""Files of the documentation page and their types."""

OPENAPI: Final = web.AppKey("openapi", bytes)
"""Where the application keeps its OpenAPI document."""

_HTML: Final = "text/html; charset=utf-8"
_CACHED: Final = "public, max-age=86400"
_POLICY: Final = (
    "default-src 'none'; connect-src 'self'; font-src 'self' data:; img-src 'self' data:; "
    "script-src 'self'; style-src 'self' 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
)
_DOCS: Final = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>TerraFusion Sync: interface</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head><body><div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script><script src="/docs/assets/start.js"></script>
</body></html>
"""
_START: Final = b"""\
SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null});
"""


def product_version() -> str:
    """Return the version of the installed package."""
    return version("terrafusion-sync")


async def openapi_json(_gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with the OpenAPI document."""
    return json_answer(request.app[OPENAPI])


async def asyncapi_json(_gateway: Gateway, _request: web.Request) -> web.StreamResponse:
    """Answer with the AsyncAPI document."""
    return json_answer((DIRECTORY / "asyncapi.json").read_bytes())


async def docs(_gateway: Gateway, _request: web.Request) -> web.StreamResponse:
    """Answer with Swagger UI on the OpenAPI document."""
    return _page(_DOCS)


async def docs_asset(_gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with one of the documentation page's files."""
    name = request.match_info["name"]
    if name not in ASSETS:
        raise NotFound("The documentation page has no such file.")
    headers = {"Content-Type": ASSETS[name], "Cache-Control": _CACHED, "X-Content-Type-Options": "nosniff"}
    return web.Response(body=_asset(name), headers=headers)


def _page(html: bytes) -> web.Response:
    headers = {"Content-Type": _HTML, "Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
    return web.Response(body=html, headers=headers)


@lru_cache
def _asset(name: str) -> bytes:
    """Return a file of Swagger UI out of the package ``flask-swagger-ui``, whose code is not imported."""
    if name == "start.js":
        return _START
    found = find_spec("flask_swagger_ui")
    if found is None or found.origin is None:
        raise NotFound("Swagger UI is not installed: the package flask-swagger-ui is missing.")
    return (Path(found.origin).parent / "dist" / name).read_bytes()


def encoded(document: dict[str, object]) -> bytes:
    """Return a document as JSON for people to read."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)
