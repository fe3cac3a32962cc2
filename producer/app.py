"""Composes the gateway: the collaborators from the settings, and the aiohttp application around them."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Final

from aiohttp import web

from producer.gateway import Gateway
from producer.middleware.edge import edge
from producer.openapi.document import openapi
from producer.routes.documents import OPENAPI, encoded, product_version
from producer.routes.operations import OPERATIONS
from producer.routes.table import Operation

_MAX_BODY: Final = 17 << 20
"""Above every operation's own limit; a last resort."""


def epoch_ms_now() -> int:
    """Return the milliseconds since 1970-01-01."""
    return time.time_ns() // 1_000_000


def application(gateway: Gateway, operations: Iterable[Operation] = OPERATIONS) -> web.Application:
    """Return the application that serves ``operations``; starting and stopping it starts and stops the gateway."""
    table = tuple(operations)
    app = web.Application(middlewares=[edge(gateway.metrics)], client_max_size=_MAX_BODY)
    app[OPENAPI] = encoded(openapi(table, product_version()))
    for path in dict.fromkeys(operation.path for operation in table):
        _add(app.router.add_resource(path), gateway, [operation for operation in table if operation.path == path])
    app.cleanup_ctx.append(partial(_running, gateway))
    return app


def _add(resource: web.Resource, gateway: Gateway, operations: Iterable[Operation]) -> None:
    methods = {"OPTIONS"}
    for operation in operations:
        handler = partial(operation.handler, gateway)
        resource.add_route(operation.method, handler)
        methods.add(operation.method)
        if operation.method == "GET":
            resource.add_route("HEAD", handler)
            methods.add("HEAD")
    resource.add_route("OPTIONS", partial(_options, ", ".join(sorted(methods))))


async def _options(allow: str, _request: web.Request) -> web.StreamResponse:
    return web.Response(status=204, headers={"Allow": allow})


async def _running(gateway: Gateway, _app: web.Application) -> AsyncIterator[None]:
    await gateway.publisher.start()
    await gateway.view.start()
    await gateway.properties.start()
    yield
    await gateway.publisher.stop()
    await asyncio.gather(gateway.view.stop(), gateway.properties.stop())
