"""A page of another site that made its own name mean this machine gets nothing (DNS rebinding)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from producer.app import application
from producer.security.hosts import hosts_for
from producer.server import GatewayRunner
from producer.settings import GatewaySettings
from tests.unit.gateway.conftest import RUN, assembled
from tests.unit.gateway.fake_kafka import FakeKafka
from tests.unit.gateway.fakes import FakeProperties, FakeView

GOOD = {"property_id": "P", "county_id": "BENTON"}


@pytest.fixture
def kafka() -> FakeKafka:
    return FakeKafka()


@pytest.fixture
async def client(kafka: FakeKafka) -> AsyncIterator[aiohttp.ClientSession]:
    settings = GatewaySettings(gateway_hosts="Valuations.county.example")
    runner = GatewayRunner(application(assembled(kafka, FakeView(), FakeProperties(), settings)))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        async with asyncio.timeout(10):
            while (await session.get("/readyz")).status != 200:
                pass
        yield session
    await runner.cleanup()


@pytest.mark.parametrize(
    "name", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "[::1", "localhost.evil"]
)
async def test_a_name_that_a_stranger_may_have_gets_nothing(
    client: aiohttp.ClientSession, kafka: FakeKafka, name: str
) -> None:
    fields = {"Host": name, "Origin": f"http://{name}", "Sec-Fetch-Site": "same-origin"}
    answer = await client.post(RUN, json=GOOD, headers=fields)
    assert answer.status in {400, 421}
    assert not kafka.log
    assert (await client.get("/", headers={"Host": name})).status in {400, 421}


@pytest.mark.parametrize(
    "name",
    [
        "localhost:8000",
        "LOCALHOST",
        "localhost.",
        "app.localhost:3000",
        "127.0.0.1:8000",
        "[::1]:8000",
        "192.168.1.7",
        "gateway:8000",
        "valuations.COUNTY.example:443",
    ],
)
async def test_names_of_this_machine_addresses_and_names_of_the_setting_do(
    client: aiohttp.ClientSession, name: str
) -> None:
    for _ in range(2):
        assert (await client.post(RUN, json=GOOD, headers={"Host": name})).status == 202


@pytest.mark.parametrize(
    "settings",
    [
        {"gateway_api_keys_file": Path("keys.json")},
        {"gateway_host": "0.0.0.0"},  # noqa: S104 - what containers do
        {"gateway_hosts": "a.example, *"},
    ],
)
def test_names_count_only_without_keys_on_this_machine_alone(settings: dict[str, object]) -> None:
    assert hosts_for(GatewaySettings(**settings)) is None  # type: ignore[arg-type]
