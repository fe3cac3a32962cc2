"""A whole gateway over fakes, served on a real socket by its real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from producer.app import application
from producer.gateway import Gateway
from producer.idempotency import IdempotencyKeys
from producer.listeners import Listeners
from producer.metrics import GatewayMetrics
from producer.publisher import Bounds, Publisher
from producer.reappraisal import Reappraisals
from producer.server import GatewayRunner, Limits
from producer.settings import GatewaySettings
from schemas.topics import topics
from tests.unit.gateway.fake_kafka import FakeKafka
from tests.unit.gateway.fakes import FakeProperties, FakeView

RUN = "/api/v1/valuation/run"


@dataclass
class Served:
    """A running gateway, what is behind it, and a client in front."""

    gateway: Gateway
    kafka: FakeKafka
    view: FakeView
    roll: FakeProperties
    client: aiohttp.ClientSession
    port: int = 0
    requests: str = field(default="valuation.requests")

    async def raw(self, request: bytes) -> bytes:
        """Send bytes to the gateway and return all that comes back until it closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        try:
            async with asyncio.timeout(10):
                return await reader.read()
        finally:
            writer.close()


def assembled(kafka: FakeKafka, view: FakeView, roll: FakeProperties, settings: GatewaySettings) -> Gateway:
    """A gateway over fakes, not started."""
    table = topics()
    kafka.listeners += [view.read, roll.read]
    metrics = GatewayMetrics()
    bounds = Bounds(
        settings.gateway_max_in_flight, settings.gateway_max_in_flight_bytes, settings.gateway_publish_seconds
    )
    publisher = Publisher(lambda: kafka, table, bounds, metrics.published)
    clock = iter(range(1_795_000_000_000, 1_796_000_000_000))
    now_ms = clock.__next__
    reappraisals = Reappraisals.over(view, roll, publisher, table.requests, now_ms)
    return Gateway(
        settings, table, publisher, view, roll, IdempotencyKeys(view), reappraisals, Listeners(), metrics, now_ms
    )


@pytest.fixture
def settings() -> GatewaySettings:
    return GatewaySettings(gateway_publish_seconds=1.0, gateway_catch_up_seconds=1.0, gateway_body_seconds=0.5)


@asynccontextmanager
async def serving(settings: GatewaySettings, limits: Limits | None = None) -> AsyncIterator[Served]:
    """Run a gateway over fakes, with a client in front of it."""
    kafka, view, roll = FakeKafka(), FakeView(), FakeProperties()
    gateway = assembled(kafka, view, roll, settings)
    runner = GatewayRunner(application(gateway), limits)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        while (await client.get("/readyz")).status != 200:
            pass
        yield Served(gateway, kafka, view, roll, client, port)
    kafka.come_back()
    await runner.cleanup()


@pytest.fixture
async def served(settings: GatewaySettings) -> AsyncIterator[Served]:
    async with serving(settings) as made:
        yield made
