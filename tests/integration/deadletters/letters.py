"""Letters on the dead letters topic, as a worker would put them there."""

from collections.abc import Iterable
from dataclasses import replace

import orjson

from schemas.topics import Topics
from tests.integration.processor.workers import publish

HEADERS = (("error.reason", b"invalid_request"), ("error.message", b"county_id is missing"))


async def put_letters(kafka: str, topics: Topics, count: int) -> None:
    """Put letters of one kind on three partitions."""
    await put(kafka, topics, [orjson.dumps({"property_id": f"P{number}"}) for number in range(count)], partitions=3)


async def put(
    kafka: str,
    topics: Topics,
    values: Iterable[bytes],
    *,
    partitions: int = 1,
    headers: Iterable[tuple[str, bytes]] = HEADERS,
) -> None:
    """Put these values on the first partitions in turn."""
    letters = replace(topics, requests=topics.dead_letters)
    await publish(kafka, letters, ((None, value) for value in values), partitions=partitions, headers=headers)
