"""GET /console/{name}: the console's stylesheet, scripts and icon."""

from typing import Final

from aiohttp import web

from producer.answers import SERVER
from producer.console.rendering import asset
from producer.errors import NotFound
from producer.gateway import Gateway

TYPES: Final = {
    "console.css": "text/css",
    "live.js": "text/javascript",
    "submit.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
"""Every static file and its type."""
_CACHED: Final = "public, max-age=31536000, immutable"


async def static(_gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with a static file."""
    name = request.match_info["name"]
    if name not in TYPES:
        raise NotFound("The console has no such file.")
    headers = {"Content-Type": f"{TYPES[name]}; charset=utf-8", "Cache-Control": _CACHED, "Server": SERVER}
    return web.Response(body=asset(name), headers=headers)
