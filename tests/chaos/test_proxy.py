"""The proxy passes Kafka's frames on, tells clients its own address, and breaks connections as it is told to."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

from deploy.local.ports import LOOPBACK, free_ports
from tests.chaos.proxy import Proxy, Weather
from tests.kafka import create_topics
from tests.records import committed_records

_FETCH, _PRODUCE = 1, 0
Dial = Callable[[], Awaitable["Line"]]


@dataclass(frozen=True, slots=True)
class Line:
    """A client's side of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, api: int, body: bytes, correlation: int = 7) -> bytes:
        frame = struct.pack(">hhi", api, 9, correlation) + body
        self.writer.write(struct.pack(">i", len(frame)) + frame)
        size = struct.unpack(">i", await self.reader.readexactly(4))[0]
        return (await self.reader.readexactly(size))[4:]


@asynccontextmanager
async def _echoing() -> AsyncIterator[tuple[Proxy, Dial]]:
    """A proxy before a broker that answers every request with its own body."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                size = struct.unpack(">i", await reader.readexactly(4))[0]
                frame = await reader.readexactly(size)
                writer.write(struct.pack(">i", len(frame) - 4) + frame[4:])
        writer.close()

    port, broker_port = free_ports(2)
    broker = await asyncio.start_server(echo, LOOPBACK, broker_port)
    proxy = Proxy("network", port, broker_port)
    await proxy.start()
    lines: list[Line] = []

    async def dial() -> Line:
        lines.append(Line(*await asyncio.open_connection(LOOPBACK, port)))
        return lines[-1]

    try:
        yield proxy, dial
    finally:
        for line in lines:
            line.writer.close()
        await proxy.stop()
        broker.close()


async def test_frames_pass_and_addresses_are_replaced() -> None:
    async with _echoing() as (proxy, dial):
        line = await dial()
        told = b"\x00\x09127.0.0.1" + struct.pack(">i", proxy._broker_port) + b"rest"
        assert await line.ask(_FETCH, told) == b"\x00\x09127.0.0.1" + struct.pack(">i", proxy.port) + b"rest"
        assert await line.ask(_PRODUCE, b"x" * 100_000) == b"x" * 100_000


@pytest.mark.parametrize("weather", [Weather.LATENCY, Weather.JITTER, Weather.SLOW, Weather.SLICE])
async def test_bad_weather_delays_and_harms_nothing(weather: Weather) -> None:
    async with _echoing() as (proxy, dial):
        line = await dial()
        proxy.weather = weather
        begun = time.monotonic()
        assert await line.ask(_FETCH, b"0123456789" * 300) == b"0123456789" * 300
        assert time.monotonic() - begun > (0.03 if weather is not Weather.JITTER else 0)


async def test_a_black_hole_is_silent_until_it_is_gone() -> None:
    async with _echoing() as (proxy, dial):
        line = await dial()
        proxy.weather = Weather.BLACK_HOLE
        asking = asyncio.create_task(line.ask(_FETCH, b"hello"))
        await asyncio.sleep(0.1)
        assert not asking.done()
        proxy.weather = Weather.CLEAR
        assert await asking == b"hello"


async def test_a_reset_breaks_old_and_new_connections() -> None:
    async with _echoing() as (proxy, dial):
        line = await dial()
        await line.ask(_FETCH, b"hello")
        proxy.weather = Weather.RESET
        with pytest.raises(ConnectionResetError):
            await line.reader.read()
        with pytest.raises(ConnectionResetError):
            await (await dial()).reader.read()


async def test_only_the_answer_to_a_produce_request_is_cut_and_only_once() -> None:
    async with _echoing() as (proxy, dial):
        line = await dial()
        proxy.weather = Weather.CUT
        assert await line.ask(_FETCH, b"hello") == b"hello"
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await line.ask(_PRODUCE, b"hello")
        assert (proxy.weather, proxy.cuts) == (Weather.CLEAR, 1)
        assert await (await dial()).ask(_PRODUCE, b"hello") == b"hello"


async def test_clients_of_the_proxy_never_reach_the_broker_past_it(kafka: str) -> None:
    """Both kinds of clients publish through it, and with it gone neither can."""
    topics = await create_topics(kafka)
    proxy = Proxy("network", free_ports(1)[0], int(kafka.split(",", maxsplit=1)[0].rsplit(":", 1)[1]))
    await proxy.start()
    aio = AIOKafkaProducer(bootstrap_servers=proxy.address, acks="all", enable_idempotence=True)
    await aio.start()
    lib = Producer({"bootstrap.servers": proxy.address, "log_level": 0, "message.timeout.ms": 9000})
    try:
        proxy.weather = Weather.CUT
        await aio.send_and_wait(topics.requests.name, b"one", partition=0)
        lib.produce(topics.requests.name, b"two", partition=1)
        assert await asyncio.to_thread(lib.flush, 10) == 0
        assert proxy.cuts == 1
        assert {record.value for record in committed_records(kafka, topics.requests.name)} == {b"one", b"two"}
        proxy.weather = Weather.RESET
        late = await aio.send(topics.requests.name, b"three", partition=0)
        await asyncio.wait({late}, timeout=0.5)
        assert not late.done()
        proxy.weather = Weather.CLEAR
        await late
    finally:
        await aio.stop()
        await proxy.stop()
