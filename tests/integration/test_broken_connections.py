"""A connection to a real Kafka that is reset while requests are sent over it, on the event loop of the services."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from schemas.connections import mend_connections

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
