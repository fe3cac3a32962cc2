"""Dead letters: what could not be read as a request, why, what became of it, and a way to publish it again."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from aiohttp import web

from producer.console.doors import form, see_other
from producer.console.rendering import page, segment
from producer.deadletters.fixing import Fix, read_fix
from producer.deadletters.letter import Position
from producer.errors import Conflict, InvalidBody, ProducerError
from producer.gateway import Gateway
from producer.parameters import query_choice, query_int
from producer.routes import deadletters
from producer.security.scopes import Scope
from schemas.reasons import FailureReason

_PLACE: Final = "/dead-letters"
_CHOSEN: Final = "letter:"
_LANDED: Final = frozenset({"replayed", "already"})


async def show_all(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with one page of dead letters, the newest first."""
    return await _list(gateway, request)


async def show(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer with everything of one dead letter."""
    return await _one(gateway, request)


async def replay_one(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Publish a letter again, changed where the form says how, and show it with the job that it has become."""
    position, fields = deadletters.position_in_path(request), await form(request)
    text = fields.get("fix", "").strip()
    try:
        (done,) = await deadletters.replayed(gateway, request, [position], _fix(text))
    except (InvalidBody, Conflict) as wrong:
        return await _one(gateway, request, typed=text, fault=_said(wrong))
    if done["outcome"] not in _LANDED:
        return await _one(gateway, request, typed=text, fault=done["detail"])
    return see_other(f"{_PLACE}/{segment(str(position))}")


async def replay_chosen(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Publish the letters that were ticked again, as they are, and show the list with what became of each."""
    chosen = [name.removeprefix(_CHOSEN) for name in await form(request) if name.startswith(_CHOSEN)]
    if not 0 < len(chosen) <= deadletters.MAX_POSITIONS:
        return await _list(gateway, request, fault=f"Choose 1 to {deadletters.MAX_POSITIONS} letters.")
    try:
        positions = [Position.read(each) for each in chosen]
        done = await deadletters.replayed(gateway, request, positions, None)
    except ValueError as wrong:
        return await _list(gateway, request, fault=str(wrong))
    except Conflict as wrong:
        return await _list(gateway, request, fault=_said(wrong))
    return await _list(gateway, request, done=done)


async def _list(
    gateway: Gateway, request: web.Request, *, done: Sequence[Mapping[str, Any]] = (), fault: str | None = None
) -> web.Response:
    stated = {name: value for name in ("reason", "limit", "cursor") if (value := request.query.get(name))}
    reason = query_choice(request, "reason", FailureReason) if "reason" in stated else None
    limit = query_int(request, "limit", default=deadletters.DEFAULT_LIMIT, low=1, high=deadletters.MAX_LIMIT)
    found = await deadletters.letters_page(gateway, limit, stated.get("cursor"), reason)
    further = {**stated, "cursor": found["next"]}
    return page(
        gateway,
        request,
        "letters",
        status=200 if fault is None else 422,
        letters=found["items"],
        older=None if found["next"] is None else f"{_PLACE}?{urlencode(further)}",
        stated=stated,
        reasons=list(FailureReason),
        may_replay=gateway.guard.may(request, Scope.ADMIN),
        counts={name: sum(each["outcome"] == name for each in done) for name in ("replayed", "already", "skipped")},
        done=done,
        fault=fault,
    )


async def _one(gateway: Gateway, request: web.Request, *, typed: str = "", fault: str | None = None) -> web.Response:
    return page(
        gateway,
        request,
        "letter",
        status=200 if fault is None else 422,
        letter=_read(await deadletters.one(gateway, request)),
        may_replay=gateway.guard.may(request, Scope.ADMIN),
        typed=typed,
        fault=fault,
    )


def _fix(text: str) -> Fix | None:
    with deadletters.translated():
        return read_fix(text) if text else None


def _said(wrong: ProducerError) -> str:
    return "; ".join(fault.message for fault in wrong.faults) or wrong.detail


def _read(answer: web.StreamResponse) -> Mapping[str, Any]:
    """Return what the interface answers; its errors have been raised before."""
    body = answer.body if isinstance(answer, web.Response) else None
    found: Mapping[str, Any] = orjson.loads(body if isinstance(body, bytes) else b"{}")
    return found
