"""Connections to a real Kafka that are reset while requests are sent over them."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from deploy.local.ports import free_ports
from schemas.connections import mend_connections
from schemas.topics import topics
from tests.chaos.proxy import Proxy
from tests.integration.gateway.gateways import GOOD, RUN, GatewayProcess, running
from tests.integration.processor.workers import worker
from tests.kafka import create_topics
from tests.waiting import holds

_RESETS = 40
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class _Way:
    """A way to Kafka that can be cut with a reset."""

    def __init__(self, kafka: str) -> None:
        self._host, _, port = kafka.partition(":")
        self._port = int(port)
        self._writers: list[asyncio.StreamWriter] = []

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(self._host, self._port)
        self._writers += [writer, there[1]]
        await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))

    def cut(self) -> None:
        for writer in self._writers:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(65_536):
        if writer.transport.is_closing():
            return
        writer.write(part)


@asynccontextmanager
async def way_to(kafka: str) -> AsyncIterator[tuple[_Way, int]]:
    way = _Way(kafka)
    async with await asyncio.start_server(way.take, "127.0.0.1", 0) as server:
        yield way, server.sockets[0].getsockname()[1]


async def send_at_every_step(connection: AIOKafkaConnection) -> None:
    """Send until it cannot be done any more."""
    async with asyncio.timeout(10):
        while True:
            asyncio.ensure_future(connection.send(MetadataRequest([]))).add_done_callback(asyncio.Future.exception)
            await asyncio.sleep(0)


async def reset(kafka: str) -> None:
    async with way_to(kafka) as (way, port):
        connection = await create_conn("127.0.0.1", port)
        assert (await connection.send(MetadataRequest([]))).brokers
        way.cut()
        with pytest.raises(KafkaConnectionError):
            await send_at_every_step(connection)
        connection.close()


def test_whatever_is_sent_over_a_connection_that_was_reset_fails_as_what_was_under_way(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AIOKafkaConnection, "send", AIOKafkaConnection.send)  # undone afterwards
    mend_connections()
    uvloop.run(reset(kafka))


async def test_worker_and_gateway_outlive_any_number_of_resets(kafka: str, tmp_path: Path) -> None:
    table = await create_topics(kafka)
    proxy = Proxy("network", free_ports(1)[0], int(kafka.rpartition(":")[2]))
    await proxy.start()
    prefix = table.requests.name.removesuffix(topics().requests.name)
    try:
        async with running(proxy.address, prefix, tmp_path) as gateway:
            with worker(proxy.address, table, tmp_path) as one:
                await asyncio.to_thread(one.wait_ready)
                asking = asyncio.create_task(_ask(gateway))
                for number in range(_RESETS):
                    await asyncio.sleep(0.1 + number % 7 * 0.05)  # before, while and after clients are back
                    proxy.reset()
                accepted = await _asked(asking)
                assert accepted
                assert await _complete(gateway, accepted)
                assert one.process.poll() is None, one.log.read_text()
                assert await gateway.answers("/readyz", seconds=15), gateway.log.read_text()
    finally:
        await proxy.stop()


async def _ask(gateway: GatewayProcess) -> list[str]:
    """Ask again and again until cancelled; return the jobs that were accepted."""
    accepted = []
    try:
        while True:
            status, job = await gateway.json("POST", RUN, json=GOOD)
            if status == 202:
                accepted.append(job["job_id"])
    except asyncio.CancelledError:
        return accepted


async def _asked(asking: "asyncio.Task[list[str]]") -> list[str]:
    asking.cancel()
    return await asking


async def _complete(gateway: GatewayProcess, jobs: list[str]) -> bool:
    """Return whether every job has its result, within half a minute for each."""

    async def complete(job: str) -> bool:
        _, answer = await gateway.json("GET", f"/api/v1/valuation/results/{job}")
        return bool(answer.get("status") == "COMPLETED")

    return all([await holds(partial(complete, job), 30) for job in jobs])
