"""Dead letters over HTTP: look at them, publish them again, remove them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import orjson
from aiohttp import web

from producer.answers import json_answer
from producer.body import parse_object, read_body, require_json
from producer.deadletters.base import DeadLetters
from producer.deadletters.errors import BadFix, LettersUnavailable, NoSuchLetter, ReplayTakenOver
from producer.deadletters.fixing import Fix
from producer.deadletters.letter import Position
from producer.errors import Conflict, Fault, InvalidBody, MalformedRequest, NotFound, Unavailable
from producer.gateway import Gateway
from producer.parameters import query_choice, query_int, query_text
from producer.security.guard import CALLER
from schemas.logs import get_logger
from schemas.reasons import FailureReason

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
MAX_POSITIONS: Final = 500
_MAX_BYTES: Final = 256 * 1024
_MAX_CURSOR: Final = 4096
_RETRY_SOON: Final = {"Retry-After": "2"}
_log = get_logger(__name__)
Page = Mapping[str, Any]


async def list_letters(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with one page of dead letters, the newest first."""
    limit = query_int(request, "limit", default=DEFAULT_LIMIT, low=1, high=MAX_LIMIT)
    cursor = query_text(request, "cursor", limit=_MAX_CURSOR)
    reason = query_choice(request, "reason", FailureReason)
    return json_answer(orjson.dumps(await letters_page(gateway, limit, cursor, reason)))


async def letters_page(gateway: Gateway, limit: int, cursor: str | None, reason: FailureReason | None) -> Page:
    """Return one page of dead letters, the newest first, and the cursor of the next one.

    Raises:
        MalformedRequest: the cursor is none that a page gave out.
        Unavailable: Kafka cannot be reached.
    """
    ends = _read_cursor(cursor)
    with translated():
        items, after = await _desk(gateway).page(limit, ends, reason)
    return {"items": items, "next": None if after is None else _cursor(after)}


async def groups(gateway: Gateway, _request: web.Request) -> web.StreamResponse:
    """Answer with all dead letters summed up."""
    with translated():
        return json_answer(orjson.dumps(await _desk(gateway).groups()))


async def one(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with everything of one dead letter."""
    position = position_in_path(request)
    with translated():
        return json_answer(orjson.dumps(await _desk(gateway).one(position)))


def position_in_path(request: web.Request) -> Position:
    """Return the position that the path names.

    Raises:
        NotFound: it is none.
    """
    try:
        return Position.read(request.match_info["position"])
    except ValueError as wrong:
        raise NotFound(f"There is no such dead letter: {wrong}.") from None


async def replay(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Publish dead letters again, each at most once however often."""
    body = await _body(gateway, request)
    positions = _positions(body, "positions")
    fix = _fix(body, len(positions))
    return json_answer(orjson.dumps({"letters": await replayed(gateway, request, positions, fix)}))


async def replayed(
    gateway: Gateway, request: web.Request, positions: Sequence[Position], fix: Fix | None
) -> Sequence[Mapping[str, Any]]:
    """Publish dead letters again and return what became of each; the log says who did it.

    Raises:
        NotFound, InvalidBody, Conflict, Unavailable: as the interface answers.
    """
    with translated():
        done = await _desk(gateway).replay(positions, fix)
    _noted(request, "dead letters were replayed", letters=len(done))
    return done


async def purge(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Remove dead letters for good, whole partitions up to a position."""
    up_to = _positions(await _body(gateway, request), "up_to")
    with translated():
        done = await _desk(gateway).purge(up_to)
    _noted(request, "dead letters were purged", partitions=len(done))
    return json_answer(orjson.dumps({"partitions": done}))


async def _body(gateway: Gateway, request: web.Request) -> dict[str, object]:
    require_json(request)
    return parse_object(await read_body(request, limit=_MAX_BYTES, seconds=gateway.settings.gateway_body_seconds))


def _positions(body: Mapping[str, object], name: str) -> list[Position]:
    stated = body.get(name)
    if not isinstance(stated, list) or not 0 < len(stated) <= MAX_POSITIONS:
        raise _invalid(f"/{name}", f"must be an array of 1 to {MAX_POSITIONS} positions")
    found = []
    for index, each in enumerate(stated):
        try:
            found.append(Position.read(each if isinstance(each, str) else ""))
        except ValueError as wrong:
            raise _invalid(f"/{name}/{index}", str(wrong)) from None
    return found


def _fix(body: Mapping[str, object], letters: int) -> Fix | None:
    fix = body.get("fix")
    if fix is None:
        return None
    if not isinstance(fix, dict):
        raise _invalid("/fix", "must be a JSON object: a merge patch (RFC 7396)")
    if letters > 1 and fix.get("job_id") is not None:
        raise _invalid("/fix/job_id", "would make one job of several letters")
    return fix


def _invalid(pointer: str, message: str) -> InvalidBody:
    return InvalidBody("The request is not what the schema asks for.", faults=(Fault(pointer, message),))


def _read_cursor(stated: str | None) -> dict[int, int] | None:
    if stated is None:
        return None
    try:
        return {at.partition: at.offset for at in map(Position.read, stated.split("."))}
    except ValueError:
        raise MalformedRequest("The cursor is none that a page gave out.") from None


def _cursor(ends: Mapping[int, int]) -> str:
    return ".".join(f"{partition}:{offset}" for partition, offset in sorted(ends.items()))


def _desk(gateway: Gateway) -> DeadLetters:
    if gateway.dead_letters is None:
        raise Unavailable("The dead letters cannot be reached.", headers=_RETRY_SOON)
    return gateway.dead_letters


def _noted(request: web.Request, event: str, **facts: int) -> None:
    caller = request.get(CALLER)
    _log.info(event, client=caller and caller.client, key=caller and caller.key_id, **facts)


@contextmanager
def translated() -> Iterator[None]:
    """Turn the errors of working with dead letters into those of the interface."""
    try:
        yield
    except NoSuchLetter as wrong:
        raise NotFound(str(wrong)) from None
    except BadFix as wrong:
        raise _invalid("/fix", str(wrong)) from None
    except ReplayTakenOver as wrong:
        raise Conflict(str(wrong)) from wrong
    except LettersUnavailable as wrong:
        raise Unavailable(str(wrong), headers=_RETRY_SOON) from wrong
