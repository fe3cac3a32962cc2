"""What one gateway bears of connections."""

import asyncio
import socket

import pytest
from aiohttp import web

from producer.app import application
from producer.gateway import Gateway
from producer.routes.table import Operation
from producer.server import GatewayRunner, Limits
from producer.settings import GatewaySettings
from tests.unit.gateway.conftest import Served, assembled
from tests.unit.gateway.fake_kafka import FakeKafka
from tests.unit.gateway.fakes import FakeProperties, FakeView
from tests.waiting import holds


@pytest.fixture
def limits() -> Limits:
    return Limits(connections=8, head_seconds=0.3)


async def _until_closed(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(5):
        try:
            return await reader.read()
        except ConnectionResetError:  # something was on its way when it was closed
            return b""


@pytest.mark.parametrize("begun", [b"", b"GET /livez HTTP/1.1\r\n", b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_a_head_that_does_not_arrive_is_not_waited_for(open_to_all: Served, begun: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", open_to_all.port)
    writer.write(begun)
    assert await _until_closed(reader) == b""
    writer.close()


async def test_a_head_that_comes_drop_by_drop_gets_no_more_time(open_to_all: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", open_to_all.port)
    writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
    closed = asyncio.create_task(_until_closed(reader))
    drops = 0
    while not closed.done() and drops < 200:
        writer.write(b"X-Drop: 1\r\n")
        drops += 1
        await asyncio.wait([closed], timeout=0.05)
    assert await closed == b""
    assert drops < 40
    writer.close()


async def test_a_connection_that_was_used_may_idle_on(open_to_all: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", open_to_all.port)
    for _ in range(2):
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        await reader.readuntil(b"}")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.6):
                await reader.read()
    writer.close()


async def test_connections_beyond_the_limit_are_turned_away_and_room_is_made_again(open_to_all: Served) -> None:
    held = [await asyncio.open_connection("127.0.0.1", open_to_all.port) for _ in range(12)]
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*(reader.read() for reader, _ in held))
    turned_away = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503 ")]
    assert len(turned_away) >= 4
    assert all(b"application/problem+json" in answer and b"Retry-After" in answer for answer in turned_away)
    for _, writer in held:
        writer.close()
    assert (await open_to_all.client.get("/livez")).status == 200


async def test_who_asks_for_much_and_takes_none_of_it_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async def huge(_gateway: Gateway, _request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * (64 << 20))

    monkeypatch.setattr("producer.server._TAKE_SECONDS", 0.3)
    much = Operation("GET", "/much", "much", "much", "test", huge, (), public=True)
    runner = GatewayRunner(application(assembled(FakeKafka(), FakeView(), FakeProperties(), GatewaySettings()), [much]))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(runner.addresses[0][:2])
    client.sendall(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
    server = runner.server
    assert server is not None

    async def connected(count: int) -> bool:
        return len(server.connections) == count

    assert await holds(lambda: connected(1), 5)
    assert await holds(lambda: connected(0), 5)
    client.close()
    await runner.cleanup()
