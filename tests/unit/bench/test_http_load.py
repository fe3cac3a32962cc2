"""The load generator when a server closes connections: nothing is counted twice, and the load goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bench.http_load import Tally, closed_loop, live_request, open_loop

_HOST = "127.0.0.1"
_GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_TURNED_AWAY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@asynccontextmanager
async def server(*, turns_away: int = 0, hangs_up: int = 0) -> AsyncIterator[int]:
    """Serve; turn so many connections away unasked, and hang up on so many more after their first request."""
    made, serving = 0, set[asyncio.Task[None] | None]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal made
        made += 1
        number = made
        if number <= turns_away:
            writer.write(_TURNED_AWAY)
        else:
            while (await reader.readuntil(b"\r\n\r\n")) and number > turns_away + hangs_up:
                writer.write(_GOOD)
        writer.close()

    async def serve_quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(serve_quietly, _HOST, 0) as running:
        yield running.sockets[0].getsockname()[1]
        await asyncio.wait([each for each in serving if each is not None])


async def _open(port: int) -> Tally:
    return await open_loop(_HOST, port, live_request(_HOST), rate=200, connections=8, seconds=0.5)


async def _closed(port: int) -> Tally:
    return await closed_loop(_HOST, port, live_request(_HOST), connections=8, seconds=0.2)


async def test_every_request_is_answered_once() -> None:
    async with server() as port:
        tally = await _open(port)
    assert 50 < len(tally.ms) <= 101
    assert (tally.lost, set(tally.statuses)) == (0, {b"200"})


async def test_who_is_turned_away_unasked_comes_again_and_has_lost_nothing() -> None:
    for load in (_open, _closed):
        async with server(turns_away=5) as port:
            tally = await load(port)
        assert tally.statuses[b"200"] > 50
        assert tally.statuses[b"503"] <= 5  # who had asked already takes it for the answer
        assert tally.lost == 0


async def test_a_request_whose_connection_is_closed_is_lost_and_the_load_goes_on() -> None:
    for load in (_open, _closed):
        async with server(hangs_up=3) as port:
            tally = await load(port)
        assert tally.lost == 3
        assert len(tally.ms) > 50
