"""POST /api/v1/valuation/run: one valuation request in, one job out."""

from typing import Final

from aiohttp import web

from producer.answers import json_answer
from producer.body import parse_object, read_body, require_json
from producer.errors import InvalidBody
from producer.gateway import Gateway
from producer.ids import idempotency_job_id, new_job_id
from producer.orders import FaultyOrder, read_order
from producer.preferences import idempotency_key, preferred_wait, traceparent
from producer.security.guard import owner
from producer.submission import Accepted, Submission, submit

MAX_BYTES: Final = 64 * 1024
_STATUS: Final = "/api/v1/valuation/status/"


async def run(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Accept a valuation request and answer when Kafka holds it, or with its result where the caller waits for it."""
    require_json(request)
    raw = await read_body(request, limit=MAX_BYTES, seconds=gateway.settings.gateway_body_seconds)
    body = parse_object(raw)
    wait_s = preferred_wait(request)
    accepted = await submit(gateway, _submission(gateway, request, body, wait_s))
    return _answer(accepted, wait_s)


def _submission(gateway: Gateway, request: web.Request, body: dict[str, object], wait_s: float) -> Submission:
    now_ms = gateway.now_ms()
    key = idempotency_key(request)
    key_id = None if key is None else idempotency_job_id(owner(request), key)
    try:
        order = read_order(body, job_id=new_job_id(now_ms) if key_id is None else str(key_id), now_ms=now_ms)
    except FaultyOrder as wrong:
        raise InvalidBody("The request is not what the schema asks for.", faults=wrong.faults) from None
    return Submission(order, key_id, wait_s, traceparent(request), named=body.get("job_id") is not None)


def _answer(accepted: Accepted, wait_s: float) -> web.Response:
    headers = {"Location": _STATUS + accepted.job_id}
    if wait_s > 0:
        headers["Preference-Applied"] = f"wait={wait_s:.0f}"
    if accepted.repeated:
        headers["Idempotency-Replayed"] = "true"
    if accepted.final:
        return json_answer(accepted.body, headers=headers)
    headers["Retry-After"] = "1"
    return json_answer(accepted.body, status=202, headers=headers)
