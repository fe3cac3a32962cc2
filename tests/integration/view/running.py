"""A view over a real Kafka, and events published to it, for the tests of this folder."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import orjson
from aiokafka import AIOKafkaProducer

from producer.store.base import JobStore
from producer.view.kafka import KafkaLog
from producer.view.view import JobView
from schemas.codec import encode_request
from schemas.topics import Topics
from tests.unit.view.fakes import completed, request_of
from tests.waiting import holds


@asynccontextmanager
async def view_of(kafka: str, topics: Topics, store: JobStore) -> AsyncIterator[JobView]:
    """Run a view of the topics until they are left."""
    log = KafkaLog({"bootstrap_servers": kafka}, [topics.requests.name, topics.results.name])
    view = JobView(store, log, topics)
    await view.start()
    try:

        async def ready() -> bool:
            return view.ready

        assert await holds(ready, 20), view.trouble
        yield view
    finally:
        await view.stop()


@asynccontextmanager
async def producer_of(kafka: str, transactional_id: str | None = None) -> AsyncIterator[AIOKafkaProducer]:
    """Connect a producer."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", transactional_id=transactional_id)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def publish(
    producer: AIOKafkaProducer,
    topics: Topics,
    job_id: UUID,
    *,
    partition: int | None = None,
    batch_id: str | None = None,
) -> None:
    """Publish a request, as the gateway does."""
    value = encode_request(request_of(job_id, batch_id=batch_id), valuation_date=None)
    await producer.send_and_wait(topics.requests.name, value, key=str(job_id).encode(), partition=partition)


async def end(
    producer: AIOKafkaProducer,
    topics: Topics,
    jobs: Sequence[UUID],
    *,
    partition: int = 0,
    batch_id: str | None = None,
) -> None:
    """Publish results in one transaction, as the processor does."""
    async with producer.transaction():
        for job_id in jobs:
            value = completed(job_id, batch_id=batch_id)
            await producer.send(topics.results.name, value, key=str(job_id).encode(), partition=partition)


async def status(view: JobView, job_id: UUID) -> str | None:
    """Return a job's status, None where the job is unknown."""
    found = await view.job(job_id)
    return None if found is None else str(orjson.loads(found)["status"])
