"""A bad network between clients and one broker: delays, starves, silences, resets and cuts Kafka connections.

It forwards whole Kafka frames. Brokers tell clients where they listen; the proxy puts its own port in the place of the
broker's into what they say (host and port stand side by side in every answer that has them), so that every connection
of a client that was given the proxy's address stays behind it.
"""

import asyncio
import random
import socket
import struct
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from deploy.local.ports import LOOPBACK

_SIZE: Final = struct.Struct(">i")
_HEADER: Final = struct.Struct(">hhi")
_PRODUCE: Final = 0
_SLICE_BYTES: Final = 7
_LOOK_SECONDS: Final = 0.02
_LATENCY_SECONDS: Final = 0.15
_JITTER_SECONDS: Final = 0.4
_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""For SO_LINGER: closing throws away what has not been sent, and sends a reset instead of a farewell."""
_GONE: Final = (OSError, asyncio.IncompleteReadError)


class Weather(StrEnum):
    """What the network does to frames."""

    CLEAR = "clear"
    LATENCY = "latency"
    """Every frame waits 150 ms."""
    JITTER = "jitter"
    """Frames wait anything up to 400 ms, each connection's in their order."""
    SLOW = "slow"
    """64 kB/s in each direction of each connection."""
    SLICE = "slice"
    """Frames arrive in pieces of seven bytes at first."""
    BLACK_HOLE = "black hole"
    """Nothing arrives; connections stay open and silent."""
    RESET = "reset"
    """Every connection is reset, new ones too."""
    CUT = "cut"
    """The next answer to a produce request is cut in the middle and its connection reset; then the weather clears."""


@dataclass(eq=False, slots=True)
class Connection:
    """One client's connection and its counterpart to the broker."""

    client: asyncio.StreamWriter
    broker: asyncio.StreamWriter
    produces: set[int] = field(default_factory=set)
    """Correlation ids of produce requests that are not answered yet."""

    def reset(self) -> None:
        """Break both sides at once."""
        for writer in (self.client, self.broker):
            _reset(writer)


class Proxy:
    """Stands before one broker; ``weather`` holds for all its connections from the next frame on."""

    def __init__(self, name: str, port: int, broker_port: int, seed: int = 0) -> None:
        self.name = name
        self.port = port
        self.cuts = 0
        """How many answers have been cut."""
        self._weather = Weather.CLEAR
        self._through = asyncio.Event()
        self._through.set()
        self._broker_port = broker_port
        self._rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._told = LOOPBACK.encode() + _SIZE.pack(broker_port)
        self._tells = LOOPBACK.encode() + _SIZE.pack(port)
        self._others: list[tuple[bytes, bytes]] = []
        self._open: set[Connection] = set()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """What clients are given instead of the broker's address."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def weather(self) -> Weather:
        """What happens to frames now."""
        return self._weather

    @weather.setter
    def weather(self, weather: Weather) -> None:
        self._weather = weather
        if weather is Weather.BLACK_HOLE:
            self._through.clear()
        else:
            self._through.set()
        if weather is Weather.RESET:
            self.reset()

    def speaks_for(self, other: "Proxy") -> None:
        """Replace also the address of another broker of the cluster by its proxy's."""
        self._others.append((other._told, other._tells))

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)

    async def stop(self) -> None:
        """Stop listening and return when every connection has ended."""
        if self._server is not None:
            self._server.close()
        while self._open:
            self.weather = Weather.RESET
            await asyncio.sleep(_LOOK_SECONDS)

    def reset(self) -> None:
        """Reset every connection."""
        for connection in tuple(self._open):
            connection.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.weather is Weather.RESET:
            _reset(writer)
            return
        try:
            broker_reader, broker_writer = await asyncio.open_connection(LOOPBACK, self._broker_port)
        except OSError:
            _reset(writer)
            return
        connection = Connection(writer, broker_writer)
        self._open.add(connection)
        try:
            await _first_of(self._requests(reader, connection), self._answers(broker_reader, connection))
        finally:
            self._open.discard(connection)
            connection.reset()

    async def _requests(self, reader: asyncio.StreamReader, connection: Connection) -> None:
        while True:
            frame = await _frame(reader)
            api, _, correlation = _HEADER.unpack_from(frame)
            if api == _PRODUCE:
                connection.produces.add(correlation)
            await self._forward(frame, connection.broker)

    async def _answers(self, reader: asyncio.StreamReader, connection: Connection) -> None:
        while True:
            frame = await _frame(reader)
            correlation = _SIZE.unpack_from(frame)[0]
            produced = correlation in connection.produces
            connection.produces.discard(correlation)
            if produced and self.weather is Weather.CUT:
                self.weather = Weather.CLEAR
                self.cuts += 1
                await _cut(frame, connection)
                return
            for told, tells in ((self._told, self._tells), *self._others):
                frame = frame.replace(told, tells)
            await self._forward(frame, connection.client)

    async def _forward(self, frame: bytes, writer: asyncio.StreamWriter) -> None:
        await self._through.wait()
        if self.weather is Weather.LATENCY:
            await asyncio.sleep(_LATENCY_SECONDS)
        elif self.weather is Weather.JITTER:
            await asyncio.sleep(self._rng.uniform(0.0, _JITTER_SECONDS))
        elif self.weather is Weather.SLOW:
            await asyncio.sleep(len(frame) / 65_536)
        whole = _SIZE.pack(len(frame)) + frame
        if self.weather is Weather.SLICE:
            for at in range(0, 3 * _SLICE_BYTES, _SLICE_BYTES):
                _write(writer, whole[at : at + _SLICE_BYTES])
                await asyncio.sleep(_LOOK_SECONDS)
            whole = whole[3 * _SLICE_BYTES :]
        _write(writer, whole)
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection without the usual farewell, unless it is closed already."""
    if not writer.transport.is_closing():
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    writer.transport.abort()


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    if writer.transport.is_closing():  # uvloop raises a RuntimeError
        raise ConnectionResetError("the other side is gone")
    writer.write(data)


async def _frame(reader: asyncio.StreamReader) -> bytes:
    size = _SIZE.unpack(await reader.readexactly(_SIZE.size))[0]
    return await reader.readexactly(size)


async def _cut(frame: bytes, connection: Connection) -> None:
    """Send the first half of an answer, and let it arrive before the connection breaks."""
    _write(connection.client, _SIZE.pack(len(frame)) + frame[: len(frame) // 2])
    await connection.client.drain()
    await asyncio.sleep(_LOOK_SECONDS)


async def _first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Return when one has ended, by the end of its connection as a rule, and end the other."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError, *_GONE):
                await task
