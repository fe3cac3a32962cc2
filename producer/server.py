"""aiohttp's HTTP server, made to answer malformed HTTP with problem documents and to keep slow clients in bounds."""

import asyncio
from typing import Any, Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest

from producer.answers import internal_error, plain_problem, translated

_DETAIL_LIMIT: Final = 200
_INTERNAL: Final = 500
_KEEPALIVE_SECONDS: Final = 75.0
_LINGER_SECONDS: Final = 2.0
"""How long the rest of a refused body is read, so that the client gets to see the refusal."""
_DRAIN_SECONDS: Final = 4.0


class ProblemHandler(RequestHandler):
    """One connection; whatever is wrong on it below the application is answered as a problem."""

    __slots__ = ()

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
        return answer

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; what aiohttp refused before the application saw it becomes a problem first."""
        if isinstance(resp, web.HTTPException):
            resp = translated(resp)
        return await super().finish_response(request, resp, start_time)


class ProblemServer(web.Server):
    """Makes a ``ProblemHandler`` for every connection."""

    def __call__(self) -> RequestHandler:
        """Return the handler of a new connection."""
        return ProblemHandler(self, loop=self._loop, **self._kwargs)


class GatewayRunner(web.AppRunner):
    """Runs the application behind a ``ProblemServer``; what is being handled when it stops has seconds to end."""

    def __init__(self, app: web.Application) -> None:
        super().__init__(
            app,
            access_log=None,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            lingering_time=_LINGER_SECONDS,
            shutdown_timeout=_DRAIN_SECONDS,
        )

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return ProblemServer(
            made.request_handler,
            request_factory=made.request_factory,
            loop=asyncio.get_running_loop(),
            **_keywords(made),
        )


def _keywords(server: web.Server) -> dict[str, Any]:
    return dict(server._kwargs)  # noqa: SLF001 - aiohttp has no other way to choose the protocol class


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_DETAIL_LIMIT]
