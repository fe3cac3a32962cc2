"""Two gateways' views on one PostgreSQL store and one Kafka: read your writes through either, everything once."""

from uuid import uuid4

import orjson

from producer.store.base import JobFilter
from producer.store.postgres.store import PostgresStore
from tests.integration.view.running import end, producer_of, publish, status, view_of
from tests.kafka import create_topics
from tests.postgres import postgres
from tests.waiting import holds

__all__ = ["postgres"]


async def test_a_job_accepted_by_one_gateway_is_never_unknown_to_the_other(kafka: str, postgres: str) -> None:
    topics = await create_topics(kafka)
    schema = f"t{uuid4().hex}"
    async with (
        view_of(kafka, topics, PostgresStore(postgres, schema)) as one,
        view_of(kafka, topics, PostgresStore(postgres, schema)) as other,
        producer_of(kafka) as producer,
    ):
        for number in range(150):
            job_id = uuid4()
            await publish(producer, topics, job_id)
            view = other if number % 2 else one
            assert await view.catch_up(5)
            assert await status(view, job_id) == "PENDING"
        assert (await one.jobs(JobFilter(limit=1000))).count == 150
        assert (await other.jobs(JobFilter(limit=1000))).count == 150


async def test_a_gateway_that_dies_leaves_the_other_with_everything_once(kafka: str, postgres: str) -> None:
    topics = await create_topics(kafka)
    schema = f"t{uuid4().hex}"
    jobs = [uuid4() for _ in range(80)]
    async with (
        view_of(kafka, topics, PostgresStore(postgres, schema)) as survivor,
        producer_of(kafka) as requests,
        producer_of(kafka, f"results-{uuid4()}") as results,
    ):
        async with view_of(kafka, topics, PostgresStore(postgres, schema)) as victim:
            for job_id in jobs[:40]:
                await publish(requests, topics, job_id, batch_id="b")
            await end(results, topics, jobs[:40], batch_id="b")
            for task in victim._tasks:
                task.cancel()
        for job_id in jobs[40:]:
            await publish(requests, topics, job_id, batch_id="b")
        await end(results, topics, jobs[40:], batch_id="b")

        async def finished() -> bool:
            batch = await survivor.batch("b")
            return batch is not None and batch.finished == len(jobs)

        assert await holds(finished, 20)
        batch = await survivor.batch("b")
        assert batch is not None
        assert (batch.published, batch.completed) == (80, 80)
        found = orjson.loads((await survivor.jobs(JobFilter(limit=1000))).items)
        assert {item["job_id"] for item in found} == {str(job_id) for job_id in jobs}
