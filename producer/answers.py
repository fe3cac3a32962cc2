"""Builds the gateway's answers: JSON, and RFC 9457 problem documents for everything that went wrong."""

from http import HTTPStatus
from typing import Final

import orjson
from aiohttp import web

from producer.errors import MethodNotAllowed, NotFound, ProducerError, TooLarge
from schemas.problems import PROBLEM_JSON

_JSON: Final = "application/json"
SERVER: Final = "TerraFusion"
"""What answers say of the server; the versions of its parts are nobody's business."""
MAX_FAULTS: Final = 1000
"""Faults that one problem document lists at most."""


def json_answer(body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return a JSON answer from bytes that are JSON already."""
    made = {"Content-Type": _JSON, "Server": SERVER}
    if headers is not None:
        made |= headers
    return web.Response(body=body, status=status, headers=made)


def problem(error: ProducerError) -> web.Response:
    """Return the problem document of an error."""
    body = {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "errors": [{"pointer": fault.pointer, "message": fault.message} for fault in error.faults[:MAX_FAULTS]],
        **error.members,
    }
    headers = {"Content-Type": PROBLEM_JSON, "Server": SERVER, **error.headers}
    return web.Response(body=orjson.dumps(body), status=error.status, headers=headers)


def plain_problem(status: int, detail: str, *, headers: dict[str, str] | None = None) -> web.Response:
    """Return a problem document for a status that no error of this package stands for."""
    body = {"type": "about:blank", "title": _phrase(status), "status": status, "detail": detail, "errors": []}
    made = {"Content-Type": PROBLEM_JSON, "Server": SERVER, **(headers or {})}
    return web.Response(body=orjson.dumps(body), status=status, headers=made)


def translated(wrong: web.HTTPException) -> web.Response:
    """Return the problem document for what aiohttp itself refuses."""
    if isinstance(wrong, web.HTTPNotFound):
        return problem(NotFound("There is nothing at this path."))
    if isinstance(wrong, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(wrong.allowed_methods))
        return problem(MethodNotAllowed(f"Allowed here: {allowed}.", headers={"Allow": allowed}))
    if isinstance(wrong, web.HTTPRequestEntityTooLarge):
        return problem(TooLarge("The body is too large."))
    return plain_problem(wrong.status, wrong.reason or _phrase(wrong.status))


def internal_error() -> web.Response:
    """Return the answer to a fault of the gateway's own; what went wrong is in the log."""
    return plain_problem(500, "The gateway failed to answer; the failure has been logged.")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
