"""A gateway that asks for API keys, and keys for it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from producer.app import application
from producer.security.guard import Guard
from producer.security.keyfile import change_keys
from producer.security.keyring import KeyRing
from producer.security.keys import KeyEntry, digest, new_token
from producer.security.scopes import Scope
from producer.server import GatewayRunner, Limits
from producer.settings import GatewaySettings
from tests.unit.gateway.conftest import Served, assembled
from tests.unit.gateway.fake_kafka import FakeKafka
from tests.unit.gateway.fakes import FakeProperties, FakeView


class Ticks:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Keys:
    """A keys file and what fills it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        change_keys(path, lambda kept: kept)

    def make(
        self,
        *scopes: Scope,
        client: str = "county",
        rate: int | None = None,
        not_after: datetime | None = None,
    ) -> str:
        key_id, token = new_token()
        entry = KeyEntry(
            id=key_id,
            client=client,
            sha256=digest(token),
            scopes=frozenset(scopes or (Scope.READ, Scope.SUBMIT)),
            rate_per_minute=rate,
            created_at=datetime(2026, 11, 23, tzinfo=UTC),
            not_after=not_after,
        )
        change_keys(self.path, lambda kept: [*kept, entry])
        return token

    def remove(self, token: str) -> None:
        change_keys(self.path, lambda kept: [key for key in kept if not key.fits(token)])


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys.json")


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def settings() -> GatewaySettings:
    return GatewaySettings(gateway_publish_seconds=1.0, gateway_catch_up_seconds=1.0, gateway_body_seconds=0.5)


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
async def guarded(keys: Keys, ticks: Ticks, settings: GatewaySettings, limits: Limits) -> AsyncIterator[Served]:
    """A gateway that asks for keys; a key made after a tick of the clock is known to it."""
    guard = Guard(KeyRing(keys.path, monotonic=ticks))
    async for served in _serving(settings, limits, guard):
        yield served


@pytest.fixture
async def open_to_all(settings: GatewaySettings, limits: Limits) -> AsyncIterator[Served]:
    """A gateway that asks for no keys."""
    async for served in _serving(settings, limits, Guard()):
        yield served


async def _serving(settings: GatewaySettings, limits: Limits, guard: Guard) -> AsyncIterator[Served]:
    kafka, view, roll = FakeKafka(), FakeView(), FakeProperties()
    gateway = replace(assembled(kafka, view, roll, settings), guard=guard)
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


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
