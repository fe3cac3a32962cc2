"""Composes the gateway: the collaborators from the settings, and the aiohttp application around them."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from producer.acknowledged import Acknowledged
from producer.deadletters.desk import DeadLetterDesk
from producer.gateway import Gateway
from producer.idempotency import IdempotencyKeys
from producer.kafka_client import KafkaProducer
from producer.listeners import Listeners
from producer.metrics import GatewayMetrics
from producer.middleware.edge import edge
from producer.openapi.document import openapi
from producer.operations import OPERATIONS
from producer.operations.service import METRICS
from producer.properties.follower import PropertyCopy
from producer.properties.table import PropertyTable
from producer.publisher import Bounds, Publisher
from producer.reappraisal import Reappraisals
from producer.routes.documents import OPENAPI, encoded, product_version
from producer.routes.table import Handler, Operation
from producer.security.browsers import headers_for
from producer.security.guard import Guard
from producer.security.hosts import hosts_for
from producer.security.scopes import Scope
from producer.server import ANSWERED
from producer.settings import GatewaySettings
from producer.store.choice import job_store
from producer.view.kafka import KafkaLog
from producer.view.view import JobView
from schemas import tracing
from schemas.settings import KafkaSettings
from schemas.topics import Topics, topics

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_MAX_BODY: Final = 17 << 20
"""Above every operation's own limit; a last resort."""


def compose(settings: GatewaySettings, kafka: KafkaSettings) -> Gateway:
    """Return a gateway on a real Kafka that is not started yet.

    Raises:
        SettingsError: the settings contradict each other.
    """
    guard = Guard.of(settings.gateway_api_keys_file)
    table = topics(settings.topic_prefix)
    options = kafka.client_options(settings.data_dir)
    metrics = GatewayMetrics()
    bounds = Bounds(
        settings.gateway_max_in_flight, settings.gateway_max_in_flight_bytes, settings.gateway_publish_seconds
    )
    written = (table.requests, table.property_records, table.property_sales)
    acknowledged = Acknowledged()
    tracer = tracing.tracer("terrafusion-gateway")
    publisher = _publisher(tracer, lambda: KafkaProducer(options), written, bounds, metrics.published, acknowledged)
    view = _job_view(settings, options, table, acknowledged)
    properties = _properties(settings, options, table, acknowledged)
    return Gateway(
        settings=settings,
        topics=table,
        publisher=publisher,
        view=view,
        properties=properties,
        keys=IdempotencyKeys(view),
        reappraisals=Reappraisals.over(view, properties, publisher, table.requests, epoch_ms),
        listeners=Listeners(),
        metrics=metrics,
        now_ms=epoch_ms,
        guard=guard,
        dead_letters=DeadLetterDesk(options, table, epoch_ms),
        tracer=tracer,
    )


def _job_view(
    settings: GatewaySettings, options: Mapping[str, Any], table: Topics, acknowledged: Acknowledged
) -> JobView:
    store = job_store(settings.job_store_url, settings.data_dir / "gateway" / "jobs.sqlite")
    log = KafkaLog(options, (table.requests.name, table.results.name))
    return JobView(store, log, table, acknowledged=acknowledged)


def _properties(
    settings: GatewaySettings, options: Mapping[str, Any], table: Topics, acknowledged: Acknowledged
) -> PropertyCopy:
    copy = PropertyTable(settings.data_dir / "gateway" / "properties.sqlite")
    log = KafkaLog(options, (table.property_records.name, table.models.name))
    return PropertyCopy(copy, log, table, acknowledged)


def _publisher(tracer: "Tracer | None", *arguments: Any) -> Publisher:
    if tracer is None:
        return Publisher(*arguments)
    from producer.tracing import TracedPublisher  # noqa: PLC0415 - start-up time

    return TracedPublisher(tracer, *arguments)


def epoch_ms() -> int:
    """Return the milliseconds since 1970-01-01."""
    return time.time_ns() // 1_000_000


def application(gateway: Gateway, operations: Iterable[Operation] = OPERATIONS) -> web.Application:
    """Return the application that serves ``operations``; starting and stopping it starts and stops the gateway."""
    table = tuple(operations)
    app = web.Application(middlewares=_middlewares(gateway), client_max_size=_MAX_BODY)
    app[ANSWERED] = gateway.metrics.answered
    app[OPENAPI] = encoded(openapi(table, product_version(), keys_needed=gateway.guard.on))
    app.on_response_prepare.append(headers_for(gateway.settings.cors_origins))
    paths = dict.fromkeys(operation.path for operation in table)
    for path in paths:
        resource = app.router.add_resource(_pattern(path, paths))
        _add(resource, gateway, [operation for operation in table if operation.path == path])
    app.on_shutdown.append(partial(_leave, gateway))
    app.cleanup_ctx.append(partial(_running, gateway))
    return app


def _middlewares(gateway: Gateway) -> list[Middleware]:
    """Return what every request passes, the outermost first."""
    hosts = hosts_for(gateway.settings)
    if gateway.tracer is None:
        return [edge(gateway.metrics, hosts)]
    from producer.tracing import traced  # noqa: PLC0415 - start-up time

    return [traced(gateway.tracer), edge(gateway.metrics, hosts)]


def _pattern(path: str, paths: Iterable[str]) -> str:
    """Return a path as aiohttp takes it; what ends in a parameter does not stand for paths that end in a word.

    Else the wrong method on the one (405) would be taken for the right method on the other (404).
    """
    head, _, last = path.rpartition("/")
    if not (last.startswith("{") and last.endswith("}")):
        return path
    words = (each.removeprefix(f"{head}/") for each in paths if each.startswith(f"{head}/"))
    taken = "|".join(re.escape(word) for word in words if word and "/" not in word and "{" not in word)
    return f"{head}/{{{last[1:-1]}:(?!(?:{taken})$)[^{{}}/]+}}" if taken else path


def _add(resource: web.Resource, gateway: Gateway, operations: Iterable[Operation]) -> None:
    methods = {"OPTIONS"}
    for operation in operations:
        handler = partial(_admitting(gateway, operation), gateway)
        resource.add_route(operation.method, handler)
        methods.add(operation.method)
        if operation.method == "GET":
            resource.add_route("HEAD", handler)
            methods.add("HEAD")
    resource.add_route("OPTIONS", partial(_options, ", ".join(sorted(methods))))


def _admitting(gateway: Gateway, operation: Operation) -> Handler:
    """Return the operation's handler behind the guard, or as it is where no key is asked for."""
    needed, handler = operation.needed, operation.handler
    if operation.path == METRICS and not gateway.settings.gateway_metrics_open:
        needed = Scope.READ
    if needed is None or not gateway.guard.on:
        return handler

    async def admitted(gateway: Gateway, request: web.Request) -> web.StreamResponse:
        gateway.guard.admit(request, needed)
        return await handler(gateway, request)

    return admitted


async def _options(allow: str, _request: web.Request) -> web.StreamResponse:
    return web.Response(status=204, headers={"Allow": allow})


async def _leave(gateway: Gateway, _app: web.Application) -> None:
    gateway.listeners.stop()


async def _running(gateway: Gateway, _app: web.Application) -> AsyncIterator[None]:
    await gateway.publisher.start()
    await gateway.view.start()
    await gateway.properties.start()
    await gateway.reappraisals.start()
    yield
    await gateway.reappraisals.stop()
    await gateway.publisher.stop()
    await asyncio.gather(gateway.view.stop(), gateway.properties.stop())
