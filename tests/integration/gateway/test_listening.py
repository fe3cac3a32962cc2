"""Listeners whose connections break again and again while results pour in miss nothing, and see nothing twice."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import orjson
from aiokafka import AIOKafkaProducer

from producer.ids import new_job_id
from schemas.codec import Request
from schemas.result_codec import encode_completed
from schemas.topics import Topic
from tests.integration.gateway.gateways import GatewayProcess, running
from tests.integration.gateway.test_on_kafka import prefix_of
from tests.kafka import create_topics
from tests.waiting import holds

EVENTS = "/api/v1/valuation/events"
RESULTS = 6_000
CLIENTS = 12
AT = "2026-11-23T09:00:00.000Z"


async def write_results(bootstrap: str, topic: Topic, count: int, padding: int = 0) -> list[list[str]]:
    """Write results to all partitions; return the job ids of each partition in order."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    written: list[list[str]] = [[] for _ in range(topic.partitions)]
    await producer.start()
    for number in range(count):
        partition = number * 7 % topic.partitions
        job_id = new_job_id(1_795_000_000_000 + number)
        request = Request(job_id, f"P{partition}", "BENTON", 1_795_000_000_000, 20_000)
        body = b'{"estimated_value":1,"padding":"%b"}' % (b"x" * padding)
        value = encode_completed(request, started_at=AT, completed_at=AT, result=body)
        await producer.send(topic.name, value, key=job_id.encode(), partition=partition)
        written[partition].append(job_id)
    await producer.stop()
    return written


class Listener:
    """Reads events and remembers the last id, as a browser does, over connections that it breaks at random."""

    def __init__(self, session: aiohttp.ClientSession, seed: int) -> None:
        self._session = session
        self._random = random.Random(seed)  # noqa: S311 - repeatable
        self.seen: list[list[str]] = []
        self.connections = 0
        self.last_id: str | None = None

    async def listen(self, partitions: int, wanted: int) -> None:
        self.seen = [[] for _ in range(partitions)]
        while sum(map(len, self.seen)) < wanted:
            left = self._random.randrange(1, 400)
            async for property_id, job_id in self._connection():
                self.seen[int(property_id[1:])].append(job_id)
                left -= 1
                if not left or sum(map(len, self.seen)) == wanted:
                    break

    async def _connection(self) -> AsyncIterator[tuple[str, str]]:
        self.connections += 1
        fields = {} if self.last_id is None else {"Last-Event-ID": self.last_id}
        async with self._session.get(EVENTS, headers=fields) as answer:
            assert answer.status == 200, await answer.text()
            event_id = self.last_id
            async for line in answer.content:
                if line.startswith(b"id: "):
                    event_id = line[4:].decode().strip()
                elif line.startswith(b"data: "):
                    job = orjson.loads(line[6:])
                    self.last_id = event_id
                    yield job["property_id"], job["job_id"]
                elif not line.strip():
                    self.last_id = event_id


async def test_reconnecting_listeners_see_every_result_once_and_in_order(kafka: str, tmp_path: Path) -> None:
    table = await create_topics(kafka)
    timeout = aiohttp.ClientTimeout(total=120)
    async with running(kafka, prefix_of(table.requests.name), tmp_path) as gateway:
        base = f"http://127.0.0.1:{gateway.port}"
        async with aiohttp.ClientSession(base, timeout=timeout, read_bufsize=1 << 20) as session:
            listeners = [Listener(session, seed) for seed in range(CLIENTS)]
            start = await first_id(session)
            for listener in listeners:
                listener.last_id = start
            listening = [asyncio.create_task(each.listen(table.results.partitions, RESULTS)) for each in listeners]
            written = await write_results(kafka, table.results, RESULTS)
            await asyncio.gather(*listening)
    assert all(listener.seen == written for listener in listeners)
    assert min(listener.connections for listener in listeners) > 10


async def first_id(session: aiohttp.ClientSession) -> str:
    async with session.get(EVENTS) as answer:
        async for line in answer.content:
            if line.startswith(b"id: "):
                return line[4:].decode().strip()
    raise AssertionError("the stream ended")


async def test_who_stops_reading_is_cut_off_and_counted_and_nobody_else_notices(kafka: str, tmp_path: Path) -> None:
    table = await create_topics(kafka)
    async with running(kafka, prefix_of(table.requests.name), tmp_path) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=1024)
        writer.write(f"GET {EVENTS} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await writer.drain()
        await reader.readline()
        reader._transport.pause_reading()  # type: ignore[attr-defined] # what a client that hangs does
        async with aiohttp.ClientSession(f"http://127.0.0.1:{gateway.port}", read_bufsize=1 << 20) as session:
            listener = Listener(session, 0)
            listener.last_id = await first_id(session)
            listening = asyncio.create_task(listener.listen(table.results.partitions, RESULTS))
            written = await write_results(kafka, table.results, RESULTS, padding=4_000)
            await asyncio.wait_for(listening, 60)
        assert listener.seen == written
        assert await holds(lambda: cut_off(gateway), 40)
        writer.transport.abort()


async def cut_off(gateway: GatewayProcess) -> bool:
    async with gateway.client.get("/metrics") as answer:
        text = await answer.text()
    return any(line.startswith("gateway_sse_cut_off_total") and line.endswith(" 1.0") for line in text.splitlines())
