"""Dead letters over HTTP without Kafka: an answer in time, whatever the broker does."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from producer.app import application
from producer.deadletters.desk import DeadLetterDesk
from producer.server import GatewayRunner
from producer.settings import GatewaySettings
from schemas.topics import topics
from tests.unit.gateway.conftest import assembled
from tests.unit.gateway.fake_kafka import FakeKafka
from tests.unit.gateway.fakes import FakeProperties, FakeView

PATH = "/api/v1/dead-letters"
REPLAY = {"positions": ["0:1"]}


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """A broker that takes connections and never answers."""
    held: list[asyncio.StreamWriter] = []

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for writer in held:
        writer.close()


async def _answer(bootstrap: str, method: str, path: str, **body: object) -> tuple[int, str | None, float]:
    desk = DeadLetterDesk({"bootstrap_servers": bootstrap}, topics(), lambda: 0)
    gateway = replace(assembled(FakeKafka(), FakeView(), FakeProperties(), GatewaySettings()), dead_letters=desk)
    runner = GatewayRunner(application(gateway))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as client:
            begun = time.monotonic()
            async with client.request(method, path, **(body or {})) as answer:  # type: ignore[arg-type]
                return answer.status, answer.headers.get("Retry-After"), time.monotonic() - begun
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("path", ["", "/groups", "/0:1"])
async def test_a_kafka_that_is_not_there_is_a_503(path: str) -> None:
    status, retry, _ = await _answer("127.0.0.1:9", "GET", PATH + path)
    assert (status, retry) == (503, "2")


async def test_a_kafka_that_never_answers_is_a_503_within_five_seconds(silent: str) -> None:
    answers = await asyncio.gather(_answer(silent, "GET", PATH), _answer(silent, "POST", f"{PATH}/replay", json=REPLAY))
    assert [(status, retry) for status, retry, _ in answers] == [(503, "2")] * 2
    assert max(seconds for *_, seconds in answers) < 5
