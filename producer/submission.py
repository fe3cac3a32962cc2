"""Accepts one order: publishes it once, whatever is repeated, and waits for its result where the caller asked to."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from producer.errors import Conflict, Fault, KafkaUnavailable, Unavailable
from producer.gateway import Gateway
from producer.headers import idempotency_headers
from producer.orders import Order, fingerprint_of
from producer.outgoing import request_record
from schemas.cloudevents import Header


@dataclass(frozen=True, slots=True)
class Submission:
    """One order and how its caller sent it."""

    order: Order
    key_id: UUID | None = None
    wait_s: float = 0.0
    traceparent: bytes | None = None
    named: bool = False
    """Whether the caller chose the job id."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a submission: the job (or, if ``final``, the job with its result) as JSON."""

    job_id: str
    body: bytes
    final: bool = False
    repeated: bool = False


async def submit(gateway: Gateway, submission: Submission) -> Accepted:
    """Accept an order; returns when Kafka holds it, and its result too where it comes within the wait.

    Raises:
        InvalidBody: the idempotency key came with another request before.
        Conflict: the job id stands for another request.
        Unavailable: Kafka or the job view cannot be reached; the error names the job id, so that a retry is safe.
    """
    try:
        if submission.wait_s > 0:
            return await _submit_and_wait(gateway, submission)
        return await _submit(gateway, submission)
    except Unavailable as wrong:
        wrong.members = {"job_id": submission.order.request.job_id}
        raise


async def _submit_and_wait(gateway: Gateway, submission: Submission) -> Accepted:
    job_id = UUID(submission.order.request.job_id)
    with gateway.view.expect(job_id) as awaited:
        accepted = await _submit(gateway, submission)
        if accepted.repeated:
            return await _wait_for_repeated(gateway, accepted, submission.wait_s)
        result = await awaited.wait(submission.wait_s)
    return accepted if result is None else Accepted(accepted.job_id, result, final=True)


async def _wait_for_repeated(gateway: Gateway, accepted: Accepted, seconds: float) -> Accepted:
    job_id = UUID(accepted.job_id)
    with gateway.view.expect(job_id) as awaited:
        result = await gateway.view.result(job_id)
        if result is None or not _ended(result):
            result = await awaited.wait(seconds)
    return accepted if result is None else Accepted(accepted.job_id, result, final=True, repeated=True)


async def _submit(gateway: Gateway, submission: Submission) -> Accepted:
    if submission.key_id is not None:
        return await _submit_keyed(gateway, submission, submission.key_id)
    if submission.named:
        known = await gateway.view.job(UUID(submission.order.request.job_id))
        if known is not None:
            return _repeated(submission.order, known)
    return await _publish(gateway, submission)


async def _submit_keyed(gateway: Gateway, submission: Submission, key_id: UUID) -> Accepted:
    order = submission.order
    fingerprint = fingerprint_of((order,))
    job_id = UUID(order.request.job_id)
    async with gateway.keys.first(key_id, job_id, fingerprint, caught_up=gateway.catch_up) as existing:
        if existing is None:
            if submission.named and (taken := await gateway.view.job(job_id)) is not None:
                return _repeated(order, taken)
            return await _publish(gateway, submission, idempotency_headers(key_id, fingerprint))
    known = await gateway.known(gateway.view.job, existing)
    if known is None:
        raise KafkaUnavailable("The job of this Idempotency-Key cannot be found.", headers={"Retry-After": "2"})
    return Accepted(str(existing), known, repeated=True)


async def _publish(gateway: Gateway, submission: Submission, more: Sequence[Header] = ()) -> Accepted:
    order = submission.order
    record = request_record(order, traceparent=submission.traceparent, more=more)
    await gateway.publisher.publish(gateway.topics.requests, record)
    return Accepted(order.request.job_id, orjson.dumps(order.job()))


def _repeated(order: Order, known: bytes) -> Accepted:
    """Return the job that a caller's own job id stands for already.

    Raises:
        Conflict: that job is about another property.
    """
    job = orjson.loads(known)
    request = order.request
    if (job["property_id"], job["county_id"]) != (request.property_id, request.county_id):
        raise Conflict("This job_id stands for another request.", faults=(Fault("/job_id", "is taken"),))
    return Accepted(request.job_id, known, repeated=True)


def _ended(result: bytes) -> bool:
    return orjson.loads(result)["completed_at"] is not None
