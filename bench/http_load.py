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

    def note(self, head: bytes, ms: float) -> None:
        """Take note of an answer by its head."""
        self.statuses[head[9:12]] += 1
        self.ms.append(ms)
        if head[9:10] == b"2":
            self.good_ms.append(ms)
        elif b"\r\nRetry-After: " in head:
            self.told_when += 1


class _Connection(asyncio.Protocol):
    """One keep-alive connection; answers come in the order of the requests."""

    def __init__(self, tally: Tally, on_answer: Callable[["_Connection"], None]) -> None:
        self._tally = tally
        self._on_answer = on_answer
        self._started: deque[float] = deque()
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is none by inheritance

    def send(self, request: bytes, started: float) -> None:
        self._started.append(started)
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            self._tally.note(head, (time.perf_counter() - self._started.popleft()) * 1e3)
            self._on_answer(self)

    def close(self) -> None:
        self._transport.close()


async def closed_loop(host: str, port: int, make: Make, *, connections: int, seconds: float) -> Tally:
    """Keep every connection busy with one request at a time for a while."""
    tally, end = Tally(), time.perf_counter() + seconds
    number = 0

    def go_on(connection: _Connection) -> None:
        nonlocal number
        now = time.perf_counter()
        if now < end:
            number += 1
            connection.send(make(number), now)

    opened = await _open(host, port, connections, tally, go_on)
    for connection in opened:
        go_on(connection)
    await asyncio.sleep(seconds)
    await _drain(tally, lambda: number)
    for connection in opened:
        connection.close()
    return tally


async def open_loop(  # noqa: PLR0913 - what a load is
    host: str, port: int, make: Make, *, rate: int, connections: int, seconds: float
) -> Tally:
    """Start ``rate`` requests a second on idle connections, on schedule; a busy set of connections queues them."""
    tally = Tally()
    idle: deque[_Connection] = deque()
    waiting: deque[tuple[bytes, float]] = deque()

    def go_on(connection: _Connection) -> None:
        if waiting:
            connection.send(*waiting.popleft())
        else:
            idle.append(connection)

    opened = await _open(host, port, connections, tally, go_on)
    idle.extend(opened)
    started, number = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < seconds:
        while number < elapsed * rate:
            request, due = make(number), started + number / rate
            number += 1
            if idle:
                idle.popleft().send(request, due)
            else:
                waiting.append((request, due))
        await asyncio.sleep(0.001)
    await _drain(tally, lambda: number)
    for connection in opened:
        connection.close()
    return tally


async def _open(
    host: str, port: int, count: int, tally: Tally, go_on: Callable[[_Connection], None]
) -> list[_Connection]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(lambda: _Connection(tally, go_on), host, port))[1] for _ in range(count)]


async def _drain(tally: Tally, sent: Callable[[], int]) -> None:
    end = time.perf_counter() + 10
    while len(tally.ms) < sent() and time.perf_counter() < end:
        await asyncio.sleep(0.01)
