"""aiohttp's HTTP server, made to answer malformed HTTP with problem documents and to keep clients in bounds."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest

from producer.answers import internal_error, plain_problem, translated
from producer.security.browsers import ALWAYS
from producer.shedding import OVERLOADED, RUN, Gate, lacking
from schemas.problems import PROBLEM_JSON

_DETAIL_LIMIT: Final = 200
_INTERNAL: Final = 500
_UNAVAILABLE: Final = 503
_KEEPALIVE_SECONDS: Final = 75.0
_LINGER_SECONDS: Final = 2.0
"""How long the rest of a refused body is read, so that the client gets to see the refusal."""
_DRAIN_SECONDS: Final = 4.0
_LARGE: Final = 64 * 1024
_TAKE_SECONDS: Final = 60.0
"""How long a client may take over an answer larger than what its connection holds."""

Answered = Callable[[str, str, int, float], None]
"""Told the method, endpoint, status and seconds of each answered request."""

ANSWERED: Final = web.AppKey[Answered]("answered")
"""What an application is to be told of requests that are answered before it sees them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one gateway bears: how many connections, how long a new one may take over its first request.

    ``runs`` bounds the single requests in hand at a time, of callers who do not wait for results.
    """

    connections: int = 5_000
    head_seconds: float = 15.0
    runs: int = 2_000


class ProblemHandler(RequestHandler):
    """One connection; whatever is wrong on it below the application is answered as a problem."""

    __slots__ = ("_in_hand", "_limits", "_missing", "_server", "_unwanted")

    def __init__(self, server: "ProblemServer", limits: Limits, **keywords: Any) -> None:
        super().__init__(server, **keywords)
        self._limits = limits
        self._server = server
        self._in_hand = False
        self._missing = 0
        """Bytes that a request for a valuation still lacks."""
        self._unwanted = 0
        """Bytes that will come of a request that was turned away."""

    def data_received(self, data: bytes) -> None:
        """Take in what the client sends; a request for a valuation is turned away when too many are in hand."""
        if self._unwanted:
            data, self._unwanted = data[self._unwanted :], max(0, self._unwanted - len(data))
            if not data:
                return
        if self._missing:
            self._expect(max(0, self._missing - len(data)))
        elif self._rests and (missing := lacking(data)) is not None and self.transport is not None:
            if self._server.gate.full:
                self._turn_away(self.transport, missing)
                return
            self._expect(missing)
        super().data_received(data)

    def _turn_away(self, transport: asyncio.WriteTransport, missing: int) -> None:
        transport.write(OVERLOADED)
        self._unwanted = missing
        self._next_keepalive_close_time = self._loop.time() + _KEEPALIVE_SECONDS
        self._server.count("POST", RUN, _UNAVAILABLE, 0.0)

    def _expect(self, missing: int) -> None:
        """Note that a request for a valuation lacks so many bytes; one that is whole is in hand."""
        self._missing = missing
        if not missing:
            self._server.gate.enter()
            self._in_hand = True

    @property
    def _rests(self) -> bool:
        """Whether the connection waits for a request, and has not begun to read one that waits to be handled."""
        return self._waiter is not None and not self._waiter.done() and not self._messages

    def connection_lost(self, exc: BaseException | None) -> None:
        """End with a connection."""
        self._leave()
        super().connection_lost(exc)

    def _leave(self) -> None:
        self._missing = 0
        if self._in_hand:
            self._in_hand = False
            self._server.gate.leave()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with a connection; one too many is turned away, one that stays silent is closed before long.

        aiohttp gives a first request the time that connections may idle between requests. Here it gets its own, by
        setting forward the timer that aiohttp has just set.
        """
        super().connection_made(transport)
        if self._manager is not None and len(self._manager.connections) > self._limits.connections:
            if isinstance(transport, asyncio.WriteTransport):
                transport.write(_TURNED_AWAY)
            self.force_close()
        elif self._keepalive_handle is not None:
            self._keepalive_handle.cancel()
            self._next_keepalive_close_time = self._loop.time() + self._limits.head_seconds
            self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)

    def handle_error(
        self,
        request: BaseRequest,
        status: int = _INTERNAL,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what aiohttp could not parse or the application let through, and close the connection."""
        if status >= _INTERNAL and not isinstance(exc, ConnectionError):
            self.log_exception("a request failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        if status == _INTERNAL:
            answer = internal_error()
        else:
            answer = plain_problem(status, _one_line(message or "The request is not HTTP."))
        answer.force_close()
        answer.headers.update(ALWAYS)
        return answer

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; what aiohttp refused before the application saw it becomes a problem first."""
        self._leave()
        if isinstance(resp, web.HTTPException):
            resp = translated(resp)
            resp.headers.update(ALWAYS)
        if not isinstance(resp, web.Response) or resp.body is None or (resp.content_length or 0) < _LARGE:
            return await super().finish_response(request, resp, start_time)
        try:
            async with asyncio.timeout(_TAKE_SECONDS):
                return await super().finish_response(request, resp, start_time)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()  # closing would wait until the client has taken the rest
            raise ConnectionError("the client does not take its answer") from None


class ProblemServer(web.Server):
    """Makes a ``ProblemHandler`` for every connection."""

    limits: Limits = Limits()
    gate: Gate
    count: Answered

    def __call__(self) -> RequestHandler:
        """Return the handler of a new connection."""
        return ProblemHandler(self, self.limits, loop=self._loop, **self._kwargs)


class GatewayRunner(web.AppRunner):
    """Runs the application behind a ``ProblemServer``; what is being handled when it stops has seconds to end."""

    def __init__(self, app: web.Application, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        super().__init__(
            app,
            access_log=None,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            lingering_time=_LINGER_SECONDS,
            shutdown_timeout=_DRAIN_SECONDS,
        )

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        server = ProblemServer(
            made.request_handler,
            request_factory=made.request_factory,
            loop=asyncio.get_running_loop(),
            **_keywords(made),
        )
        server.limits = self._limits
        server.gate = Gate(self._limits.runs)
        server.count = self.app.get(ANSWERED, _uncounted)
        return server


def _uncounted(_method: str, _endpoint: str, _status: int, _seconds: float) -> None:
    """Count nothing."""


def _keywords(server: web.Server) -> dict[str, Any]:
    return dict(server._kwargs)  # noqa: SLF001 - aiohttp has no other way to choose the protocol class


def _turned_away() -> bytes:
    answer = plain_problem(503, "The gateway holds as many connections as it can.")
    body = answer.body if isinstance(answer.body, bytes) else b""
    head = (
        f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: {PROBLEM_JSON}\r\nRetry-After: 5\r\nConnection: close\r\n"
    )
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


_TURNED_AWAY: Final = _turned_away()


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_DETAIL_LIMIT]
