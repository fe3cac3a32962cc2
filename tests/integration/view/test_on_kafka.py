"""The view over a real Kafka: what was published is found, results appear once, also after the view was killed."""

import asyncio
import time
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete

from producer.store.base import JobFilter
from producer.store.sqlite.store import SqliteStore
from producer.view.live import LiveFilter, LiveResult
from schemas.codec import encode_request
from schemas.topics import Topics
from tests.integration.view.running import end, producer_of, publish, status, view_of
from tests.kafka import create_topics
from tests.unit.view.fakes import completed, request_of
from tests.waiting import holds


async def test_what_was_acknowledged_is_found_after_catching_up_and_quickly(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    async with view_of(kafka, topics, SqliteStore(tmp_path / "jobs.sqlite")) as view, producer_of(kafka) as producer:
        took = []
        for _ in range(40):
            job_id = uuid4()
            await publish(producer, topics, job_id)
            began = time.perf_counter()
            assert await view.catch_up(5)
            took.append(time.perf_counter() - began)
            assert await status(view, job_id) == "PENDING"
        assert sorted(took)[len(took) // 2] < 0.1


async def test_catching_up_with_a_transaction_marker_at_the_end_does_not_hang(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    async with (
        view_of(kafka, topics, SqliteStore(tmp_path / "jobs.sqlite")) as view,
        producer_of(kafka, f"requests-{uuid4()}") as producer,
    ):
        job_id, aborted = uuid4(), uuid4()
        async with producer.transaction():
            value = encode_request(request_of(job_id), valuation_date=None)
            await producer.send(topics.requests.name, value, partition=0)
        await producer.begin_transaction()
        await producer.send(topics.requests.name, encode_request(request_of(aborted), valuation_date=None), partition=0)
        await producer.flush()
        await producer.abort_transaction()
        assert await view.catch_up(5)
        assert await status(view, job_id) == "PENDING"
        assert await status(view, aborted) is None


async def test_an_uncommitted_result_is_not_seen_and_an_aborted_one_never(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    async with (
        view_of(kafka, topics, SqliteStore(tmp_path / "jobs.sqlite")) as view,
        producer_of(kafka, f"results-{uuid4()}") as producer,
    ):
        aborted, committed = uuid4(), uuid4()
        with view.expect(aborted) as never, view.expect(committed) as once:
            await producer.begin_transaction()
            await producer.send(topics.results.name, completed(aborted), partition=0)
            await producer.flush()
            await producer.abort_transaction()
            await end(producer, topics, [committed])
            assert await once.wait(5) == completed(committed)
            assert await never.wait(0.1) is None
        assert await view.result(committed) == completed(committed)
        assert await view.job(aborted) is None


async def test_a_view_that_starts_again_reads_on_and_finds_everything(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    jobs = [uuid4() for _ in range(30)]
    async with producer_of(kafka) as requests, producer_of(kafka, f"results-{uuid4()}") as results:
        for number, job_id in enumerate(jobs):
            await publish(requests, topics, job_id)
            if number % 10 == 9:
                await end(results, topics, jobs[number - 9 : number + 1 : 2], partition=number % 12)
                async with view_of(kafka, topics, SqliteStore(tmp_path / "jobs.sqlite")):
                    pass
    async with view_of(kafka, topics, SqliteStore(tmp_path / "jobs.sqlite")) as view:
        found = orjson.loads((await view.jobs(JobFilter(limit=100))).items)
        assert {item["job_id"] for item in found} == {str(job_id) for job_id in jobs}
        assert sum(item["status"] == "COMPLETED" for item in found) == 15


async def test_a_listener_gets_results_in_order_and_resumes_where_it_was(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    jobs = [uuid4() for _ in range(12)]
    async with producer_of(kafka, f"results-{uuid4()}") as producer:
        async with (
            view_of(kafka, topics, SqliteStore(tmp_path / "one.sqlite")) as view,
            view.subscribe(LiveFilter()) as listener,
        ):
            await end(producer, topics, jobs[:6])
            taken: list[LiveResult] = []
            while len(taken) < 6:
                taken += await listener.take(5)
            assert [result.data for result in taken] == [completed(job_id) for job_id in jobs[:6]]
        await end(producer, topics, jobs[6:])
        async with (
            view_of(kafka, topics, SqliteStore(tmp_path / "two.sqlite")) as other,
            other.subscribe(LiveFilter(), taken[3].id) as listener,
        ):
            rest: list[LiveResult] = []
            while len(rest) < 8:
                rest += await listener.take(5)
            assert [result.data for result in rest] == [completed(job_id) for job_id in jobs[4:]]


async def test_partitions_added_later_are_followed(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    more = topics.requests.partitions + 2
    async with view_of(kafka, topics, SqliteStore(tmp_path / "jobs.sqlite")) as view:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        await admin.create_partitions({topics.requests.name: NewPartitions(more)})
        await admin.close()
        job_id = uuid4()
        async with producer_of(kafka) as producer:

            async def known() -> bool:
                return more - 1 in await producer.partitions_for(topics.requests.name)

            assert await holds(known, 10)
            await publish(producer, topics, job_id, partition=more - 1)
        assert await view.catch_up(10)
        assert await status(view, job_id) == "PENDING"


async def test_records_that_retention_removed_do_not_stop_the_view(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    jobs = [uuid4() for _ in range(5)]
    async with view_of(kafka, topics, SqliteStore(tmp_path / "jobs.sqlite")):
        pass
    async with producer_of(kafka) as producer:
        for job_id in jobs:
            await publish(producer, topics, job_id, partition=0)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_records({TopicPartition(topics.requests.name, 0): RecordsToDelete(before_offset=3)})
    await admin.close()
    async with view_of(kafka, topics, SqliteStore(tmp_path / "jobs.sqlite")) as view:
        assert [await status(view, job_id) for job_id in jobs] == [None, None, None, "PENDING", "PENDING"]


async def test_many_catch_up_at_once_with_few_lookups(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    async with view_of(kafka, topics, SqliteStore(tmp_path / "jobs.sqlite")) as view:
        began = time.perf_counter()
        assert all(await asyncio.gather(*(view.catch_up(10) for _ in range(2000))))
        assert time.perf_counter() - began < 2.0


@pytest.mark.parametrize("wiped", [True, False])
async def test_a_topic_made_anew_empties_the_store(kafka: str, tmp_path: Path, *, wiped: bool) -> None:
    topics = await create_topics(kafka)
    old, new = uuid4(), uuid4()
    async with producer_of(kafka) as producer:
        for job_id in [*(uuid4() for _ in range(5)), old]:
            await publish(producer, topics, job_id, partition=0)
    async with view_of(kafka, topics, SqliteStore(tmp_path / "jobs.sqlite")) as view:
        assert await status(view, old) == "PENDING"
    if wiped:
        await _make_anew(kafka, topics)
    async with producer_of(kafka) as producer:
        await publish(producer, topics, new, partition=0)
    async with view_of(kafka, topics, SqliteStore(tmp_path / "jobs.sqlite")) as view:
        assert await status(view, new) == "PENDING"
        assert await status(view, old) == (None if wiped else "PENDING")


async def _make_anew(kafka: str, topics: Topics) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    names = [topics.requests.name, topics.results.name]
    await admin.delete_topics(names)

    async def gone() -> bool:
        return not set(names) & set(await admin.list_topics())

    assert await holds(gone, 20)
    await admin.close()
    await create_topics(kafka, topics.requests.name.removesuffix("valuation.requests"))
