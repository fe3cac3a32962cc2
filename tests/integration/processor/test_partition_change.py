"""The number of partitions changed as docs/operations.md tells it, on a real Kafka: nothing is lost or doubled."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import orjson
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from schemas.topics import Topics
from tests.integration.processor.workers import Follower, publish, worker
from tests.kafka import create_topics
from tests.waiting import came_true, until

BEFORE, AFTER = 12, 18


def requests(count: int) -> dict[bytes, bytes]:
    jobs = [str(uuid4()) for _ in range(count)]
    return {job.encode(): orjson.dumps({"job_id": job, "property_id": "P", "county_id": "BENTON"}) for job in jobs}


async def alter(kafka: str, *names: str) -> None:
    """Give topics the new number of partitions, one after the other."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        for name in names:
            await admin.create_partitions({name: NewPartitions(AFTER)})
    finally:
        await admin.close()


async def grow(kafka: str, topics: Topics) -> None:
    await alter(kafka, topics.results.name, topics.dead_letters.name, topics.requests.name)


@contextmanager
def reading(kafka: str, topics: Topics) -> Iterator[Follower]:
    follower = Follower(kafka, topics.results.name, AFTER)
    try:
        yield follower
    finally:
        follower.close()


def expect_one_result_each(results: Follower, jobs: list[bytes]) -> None:
    until(lambda: results.read() >= len(jobs), 90)
    assert not came_true(lambda: results.read() > len(jobs), 0.5)
    assert Counter(record.key() for record in results.records) == dict.fromkeys(jobs, 1)


async def test_a_change_with_the_workers_stopped_loses_nothing(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    first, second = requests(600), requests(900)
    await publish(kafka, topics, first.items())
    with worker(kafka, topics, tmp_path) as one:
        until(lambda: one.total("valuation_jobs_submitted_total") == len(first), 60)
        assert one.stop() == 0
    await grow(kafka, topics)
    await publish(kafka, topics, second.items(), partitions=AFTER)
    with worker(kafka, topics, tmp_path) as one, reading(kafka, topics) as results:
        expect_one_result_each(results, [*first, *second])
        until(lambda: one.total("valuation_partitions_assigned") == AFTER)
        places = {record.key(): record.partition() for record in results.records}
        assert {job: places[job] for job in second} == {job: at % AFTER for at, job in enumerate(second)}
        await publish(kafka, topics, second.items(), partitions=AFTER)
        until(lambda: one.total("valuation_duplicates_total") == len(second), 60)
        expect_one_result_each(results, [*first, *second])


async def test_a_change_under_running_workers_loses_nothing_either(kafka: str, tmp_path: Path) -> None:
    """Somebody will forget to stop them."""
    topics = await create_topics(kafka)
    first, second = requests(600), requests(900)
    with worker(kafka, topics, tmp_path) as one, worker(kafka, topics, tmp_path) as other:
        await publish(kafka, topics, first.items())
        await grow(kafka, topics)
        await publish(kafka, topics, second.items(), partitions=AFTER)
        one.stop()
        one.restart()  # a restart is what makes the group see the new partitions at once
        with reading(kafka, topics) as results:
            expect_one_result_each(results, [*first, *second])
        assert one.stop() == 0
        assert other.stop() == 0
