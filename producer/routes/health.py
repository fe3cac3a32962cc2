"""Liveness, readiness and metrics."""

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from producer.answers import json_answer, plain_problem
from producer.gateway import Gateway


async def livez(_gateway: Gateway, _request: web.Request) -> web.StreamResponse:
    """Answer that the process serves requests."""
    return json_answer(b'{"status":"alive"}')


async def readyz(gateway: Gateway, _request: web.Request) -> web.StreamResponse:
    """Answer whether requests would be accepted and jobs found, and if not, what is missing."""
    missing = [reason for ready, reason in _conditions(gateway) if not ready]
    if missing:
        return plain_problem(503, " ".join(missing), headers={"Retry-After": "2"})
    return json_answer(orjson.dumps({"status": "ready", "view_lag": gateway.view.lag()}))


async def metrics(gateway: Gateway, _request: web.Request) -> web.StreamResponse:
    """Answer with the metrics in Prometheus' text format."""
    gateway.metrics.view_lag = gateway.view.lag()
    return web.Response(body=gateway.metrics.page(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _conditions(gateway: Gateway) -> tuple[tuple[bool, str], ...]:
    return (
        (gateway.publisher.ready, "Kafka does not take records at present."),
        (gateway.view.ready, gateway.view.trouble or "The job view has not caught up yet."),
        (gateway.properties.ready, "The property roll has not been read yet."),
    )
