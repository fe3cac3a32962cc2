"""The edge of the application: every error becomes a problem document, every request is counted and timed.

One middleware does it all, since each costs every request a call.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from producer.answers import internal_error, problem, translated
from producer.errors import NotFound, ProducerError, Unavailable
from producer.metrics import GatewayMetrics
from producer.security.hosts import Hosts
from producer.store.errors import BadCursor, StoreError
from schemas.logs import get_logger

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_UNMATCHED: Final = "unmatched_route"
_REQUEST_ID: Final = "X-Request-ID"
_REQUEST_ID_LIMIT: Final = 128
_log = get_logger(__name__)


def edge(metrics: GatewayMetrics, hosts: Hosts | None = None) -> Middleware:
    """Return the middleware that counts into ``metrics`` and, where names count, lets in who calls by one of them."""

    @web.middleware
    async def at_the_edge(request: web.Request, handler: _Handler) -> web.StreamResponse:
        started = time.perf_counter()
        metrics.requests_in_flight += 1
        try:
            if hosts is not None:
                hosts.check(request)
            answer = await handler(request)
        except (ProducerError, StoreError, web.HTTPException) as wrong:
            answer = _told(wrong)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:  # noqa: BLE001 - the last resort; it is logged and answered with 500
            _log.exception("a request failed", method=request.method, path=request.path[:_REQUEST_ID_LIMIT])
            answer = internal_error()
        finally:
            metrics.requests_in_flight -= 1
        _echo_request_id(request, answer)
        metrics.answered(request.method, _endpoint(request), answer.status, time.perf_counter() - started)
        return answer

    return at_the_edge


def _told(wrong: ProducerError | StoreError | web.HTTPException) -> web.Response:
    match wrong:
        case ProducerError():
            return problem(wrong)
        case BadCursor():
            return problem(NotFound(f"There is no such page: {wrong}."))
        case StoreError():
            _log.warning("the job store failed", error=str(wrong))
            return problem(Unavailable("The job store cannot be read at present.", headers={"Retry-After": "2"}))
        case _:
            return translated(wrong)


def _endpoint(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return _UNMATCHED if resource is None else resource.canonical


def _echo_request_id(request: web.Request, answer: web.StreamResponse) -> None:
    stated = request.headers.get(_REQUEST_ID)
    if (
        stated
        and len(stated) <= _REQUEST_ID_LIMIT
        and stated.isascii()
        and stated.isprintable()
        and not answer.prepared
    ):
        answer.headers[_REQUEST_ID] = stated
