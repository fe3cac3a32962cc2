"""Reads what stands at the end: the topics, with another Kafka client than the system's own, and the job view."""

import hashlib
from collections.abc import Callable
from typing import Final
from uuid import UUID

import aiohttp
import orjson

from schemas.topics import Topics
from tests.chaos.history import DeadLetter, Operation, Request, Result, Viewed
from tests.records import Record, committed_records

_PAGE: Final = 1000
_Make = Callable[[Record], Operation]


def audit_topics(bootstrap: str, topics: Topics) -> list[Operation]:
    """Return every committed record of the requests, results and dead letters topics."""
    readers: tuple[tuple[str, _Make], ...] = (
        (topics.requests.name, _request),
        (topics.results.name, _result),
        (topics.dead_letters.name, _dead_letter),
    )
    return [make(record) for topic, make in readers for record in committed_records(bootstrap, topic)]


def token_of(key: bytes | None, value: bytes | None) -> str:
    """Return how a request calls itself: the job id in its value where that is one, else its key."""
    try:
        body = orjson.loads(value or b"")
        return str(UUID(body["job_id"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        return (key or b"").decode(errors="replace")


def digest_of(key: bytes | None, value: bytes | None) -> str:
    """Return a digest of a record's key and value in which absent and empty differ."""
    return hashlib.sha256(repr((key, value)).encode()).hexdigest()[:32]


def _request(record: Record) -> Request:
    token, digest = token_of(record.key, record.value), digest_of(record.key, record.value)
    return Request(record.partition, record.offset, token, digest)


def _result(record: Record) -> Result:
    event = orjson.loads(record.value or b"{}")
    result = event["result"]
    return Result(
        partition=record.partition,
        offset=record.offset,
        key=(record.key or b"").decode(),
        job_id=event["job_id"],
        property_id=event["property_id"],
        county_id=event["county_id"],
        status=event["status"],
        failure_reason=event["failure_reason"],
        hint=event["valuation_method_hint"],
        valuation_date=result and result["valuation_date"],
        model_version=result and result["model_version"],
        digest=result and hashlib.sha256(orjson.dumps(result)).hexdigest()[:32],
        inputs=result and result["inputs_hash"],
    )


def _dead_letter(record: Record) -> DeadLetter:
    headers = record.headers
    return DeadLetter(
        record.partition,
        record.offset,
        int(headers.get("error.partition", b"-1")),
        int(headers.get("error.offset", b"-1")),
        headers.get("error.reason", b"").decode(),
        digest_of(record.key, record.value),
    )


async def audit_view(url: str) -> list[Operation]:
    """Return every job that the gateway lists, page by page."""
    viewed: list[Operation] = []
    cursor: str | None = None
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        while True:
            query = {"limit": str(_PAGE)} | ({} if cursor is None else {"cursor": cursor})
            async with session.get(f"{url}/api/v1/valuation/jobs", params=query) as answer:
                page = orjson.loads(await answer.read())
            viewed += map(_viewed, page["items"])
            cursor = page["next"]
            if cursor is None:
                return viewed


def _viewed(job: dict[str, str]) -> Viewed:
    return Viewed(job["job_id"], job["property_id"], job["county_id"], job["status"], job["failure_reason"])
