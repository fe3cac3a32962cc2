"""An HTTP/1.1 load generator lean enough to leave the gateway the core it is measured on.

Closed loop: each connection sends its next request when the answer to the last has come. Open loop: requests start on
a fixed schedule whatever the answers do, and latency counts from the scheduled start, so that stalls are not hidden.
"""

import asyncio
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable
from typing import cast

_HEAD = (
    "POST /api/v1/valuation/run HTTP/1.1\r\nHost: {host}\r\n"
    "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
)
_CLOSES = b"\r\nconnection: close"
Make = Callable[[int], bytes]
"""Makes the request of a number."""


def run_request(host: str, *, named: bool = False) -> Make:
    """Return a maker of run requests, each with a job id of its own where ``named``."""

    def make(number: int) -> bytes:
        own = f',"job_id":"{uuid.uuid4()}"' if named else ""
        body = f'{{"property_id":"PROP{number % 5000 + 1}","county_id":"BENTON"{own}}}'.encode()
        return _HEAD.format(host=host, length=len(body)).encode() + body

    return make


def live_request(host: str) -> Make:
    """Return a maker of requests that cost the server nothing but HTTP."""
    request = f"GET /livez HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    return lambda _number: request


class Tally:
    """What came back: a count for each status and the latency of each answer in milliseconds."""

    def __init__(self) -> None:
        self.statuses: Counter[bytes] = Counter()
        self.ms: list[float] = []
        self.good_ms: list[float] = []
        """The latencies of those that were no refusals."""
        self.told_when = 0
        """How many refusals say when to come again."""
        self.lost = 0
        """How many requests got no answer because their connection was closed."""
        self.behind_ms = 0.0
        """How far an open loop fell behind its schedule at most: then it was the load that was too slow."""

    def note(self, head: bytes, ms: float) -> None:
        """Take note of an answer by its head."""
        self.statuses[head[9:12]] += 1
        self.ms.append(ms)
        if head[9:10] == b"2":
            self.good_ms.append(ms)
        elif b"\r\nRetry-After: " in head:
            self.told_when += 1


class _Connection(asyncio.Protocol):
    """One keep-alive connection; answers come in the order of the requests.

    A server that has too many connections says so unasked, and closes: that is no answer.
    """

    def __init__(self, tally: Tally, on_answer: Callable[["_Connection"], None], on_lost: Callable[[], None]) -> None:
        self._tally = tally
        self._on_answer = on_answer
        self._on_lost = on_lost
        self._started: deque[float] = deque()
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is none by inheritance

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio gives it
        self._tally.lost += len(self._started)
        self._started.clear()
        self._on_lost()

    @property
    def usable(self) -> bool:
        return not self._transport.is_closing()

    def send(self, request: bytes, started: float) -> None:
        self._started.append(started)
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            lowered = head.lower()
            length = int(lowered.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            if _CLOSES in lowered:
                self._transport.close()
            if self._started:
                self._tally.note(head, (time.perf_counter() - self._started.popleft()) * 1e3)
                self._on_answer(self)

    def close(self) -> None:
        self._transport.close()


class _Connections:
    """A number of connections to one server; one that is lost is opened anew, until the load is over."""

    def __init__(self, host: str, port: int, tally: Tally, go_on: Callable[[_Connection], None]) -> None:
        self._address = host, port
        self._tally = tally
        self._go_on = go_on
        self._open: list[_Connection] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._over = False

    async def open(self, count: int) -> None:
        """Open them, one after the other, and let each begin."""
        for _ in range(count):
            await self._one()

    def close(self) -> None:
        """Close all."""
        self._over = True
        for task in self._opening:
            task.cancel()
        for connection in self._open:
            connection.close()

    async def _one(self) -> None:
        loop = asyncio.get_running_loop()
        made = lambda: _Connection(self._tally, self._go_on, self._lost)  # noqa: E731 - one line says it
        connection = (await loop.create_connection(made, *self._address))[1]
        self._open.append(connection)
        self._go_on(connection)

    def _lost(self) -> None:
        if not self._over:
            task = asyncio.get_running_loop().create_task(self._one())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)


async def closed_loop(host: str, port: int, make: Make, *, connections: int, seconds: float) -> Tally:
    """Keep every connection busy with one request at a time for a while."""
    tally, end = Tally(), time.perf_counter() + seconds
    number = 0

    def go_on(connection: _Connection) -> None:
        nonlocal number
        now = time.perf_counter()
        if now < end and connection.usable:
            number += 1
            connection.send(make(number), now)

    opened = _Connections(host, port, tally, go_on)
    await opened.open(connections)
    await asyncio.sleep(seconds)
    await _drain(tally, lambda: number)
    opened.close()
    return tally


async def open_loop(  # noqa: PLR0913 - what a load is
    host: str, port: int, make: Make, *, rate: int, connections: int, seconds: float
) -> Tally:
    """Start ``rate`` requests a second on idle connections, on schedule; a busy set of connections queues them."""
    tally = Tally()
    idle: deque[_Connection] = deque()
    waiting: deque[tuple[bytes, float]] = deque()

    def go_on(connection: _Connection) -> None:
        if waiting and connection.usable:
            connection.send(*waiting.popleft())
        else:
            idle.append(connection)

    opened = _Connections(host, port, tally, go_on)
    await opened.open(connections)
    started, number = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < seconds:
        tally.behind_ms = max(tally.behind_ms, 1e3 * (elapsed - number / rate))
        while number < elapsed * rate:
            request, due = make(number), started + number / rate
            number += 1
            if (connection := _resting(idle)) is not None:
                connection.send(request, due)
            else:
                waiting.append((request, due))
        await asyncio.sleep(0.001)
    await _drain(tally, lambda: number)
    opened.close()
    return tally


def _resting(idle: deque[_Connection]) -> _Connection | None:
    while idle:
        connection = idle.popleft()
        if connection.usable:
            return connection
    return None


async def _drain(tally: Tally, sent: Callable[[], int]) -> None:
    end = time.perf_counter() + 10
    while len(tally.ms) + tally.lost < sent() and time.perf_counter() < end:
        await asyncio.sleep(0.01)
