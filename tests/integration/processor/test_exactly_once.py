"""Exactly one result for each request, whatever happens to the workers: real processes, real Kafka."""

import asyncio
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaProducer

from deploy.local.kafka import LocalKafka
from schemas.topics import Topics
from tests.integration.processor.workers import Follower, following, publish, worker
from tests.kafka import create_topics
from tests.waiting import came_true, until

_SLOW = {"PROCESSOR_MAX_RECORDS": "50", "PROCESSOR_RECORDS_IN_HAND": "200"}
"""Many small transactions, so that whatever happens happens in the middle of some."""


def _requests(count: int) -> dict[str, bytes]:
    jobs = [str(uuid4()) for _ in range(count)]
    return {
        job: orjson.dumps({"job_id": job, "property_id": f"P{at}", "county_id": "BENTON"})
        for at, job in enumerate(jobs)
    }


async def _publish(kafka: str, topics: Topics, requests: dict[str, bytes]) -> None:
    await publish(kafka, topics, [(job.encode(), value) for job, value in requests.items()])


def _expect_one_result_each(results: Follower, jobs: Iterable[str], seconds: float = 60) -> None:
    """Wait until there are as many results as jobs, then for any that should not be there."""
    wanted = Counter(iter(jobs))
    until(lambda: results.read() >= len(wanted), seconds)
    assert not came_true(lambda: results.read() > len(wanted), 0.5)
    assert Counter((record.key() or b"").decode() for record in results.records) == wanted


async def test_requests_become_results_in_their_partition_and_are_counted(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    requests = _requests(120)
    await _publish(kafka, topics, requests)
    with following(kafka, topics.results.name) as results, worker(kafka, topics, tmp_path) as one:
        _expect_one_result_each(results, requests)
        one.wait_ready()
        until(lambda: one.total("valuation_jobs_submitted_total", county_id="BENTON") == 120)
        assert one.total("valuation_jobs_completed_total") == 120
        assert one.total("valuation_processing_duration_seconds_count") == 120
        assert one.total("valuation_end_to_end_seconds_count") == 120
        until(lambda: one.total("valuation_partitions_assigned") == 12)
        assert one.total("valuation_consumer_lag_records") == 0
        assert one.stop() == 0
    places = {job: at % 12 for at, job in enumerate(requests)}
    assert {(record.key() or b"").decode(): record.partition() for record in results.records} == places


async def test_nobody_is_killed_in_vain(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    requests = _requests(6_000)
    await _publish(kafka, topics, requests)
    with following(kafka, topics.results.name) as results, worker(kafka, topics, tmp_path, **_SLOW) as one:
        for some in (500, 2_500, 4_500):
            until(lambda: results.read() > some, 40)  # noqa: B023 - waited for here
            one.kill()
            one.restart()
        _expect_one_result_each(results, requests)


async def test_two_workers_come_and_go_under_load(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    requests = _requests(8_000)
    jobs = list(requests)
    with (
        following(kafka, topics.results.name) as results,
        worker(kafka, topics, tmp_path, **_SLOW) as first,
        worker(kafka, topics, tmp_path, **_SLOW) as second,
    ):
        for part in range(4):
            await _publish(kafka, topics, {job: requests[job] for job in jobs[part * 2_000 : (part + 1) * 2_000]})
            leaver = (first, second)[part % 2]
            leaver.wait_ready()
            assert leaver.stop() == 0
            leaver.restart()
        _expect_one_result_each(results, requests)


async def test_a_worker_that_slept_past_its_session_writes_nothing_of_what_others_have_taken_over(
    kafka: str, tmp_path: Path
) -> None:
    topics = await create_topics(kafka)
    requests = _requests(9_000)
    with (
        following(kafka, topics.results.name) as results,
        worker(kafka, topics, tmp_path, **_SLOW) as sleeper,
        worker(kafka, topics, tmp_path, **_SLOW) as heir,
    ):
        until(lambda: 0 < sleeper.total("valuation_partitions_assigned") < 12, 40)
        publishing = asyncio.create_task(_publish(kafka, topics, requests))
        await asyncio.to_thread(until, results.read, 40)
        sleeper.signal(signal.SIGSTOP)
        await publishing
        until(lambda: heir.total("valuation_partitions_assigned") == 12, 40)
        sleeper.signal(signal.SIGCONT)
        _expect_one_result_each(results, requests)
        until(lambda: heir.reasons() == [], 40)


async def test_the_same_event_twice_gives_one_result_also_to_a_worker_that_never_saw_the_first(
    kafka: str, tmp_path: Path
) -> None:
    topics = await create_topics(kafka)
    requests = _requests(24)
    await _publish(kafka, topics, requests)
    with following(kafka, topics.results.name) as results, worker(kafka, topics, tmp_path) as first:
        _expect_one_result_each(results, requests)
        await _publish(kafka, topics, requests)
        until(lambda: first.total("valuation_duplicates_total") == 24)
        assert first.stop() == 0
    with worker(kafka, topics, tmp_path) as second:
        await _publish(kafka, topics, requests)
        until(lambda: second.total("valuation_duplicates_total") == 24, 30)
        assert second.total("valuation_jobs_submitted_total") == 0
    with following(kafka, topics.results.name) as results:
        _expect_one_result_each(results, requests)


async def test_a_broker_that_is_killed_and_returns_costs_time_and_nothing_else(tmp_path: Path) -> None:
    with LocalKafka() as cluster:
        kafka = cluster.bootstrap_servers
        topics = await create_topics(kafka)
        requests = _requests(4_000)
        await _publish(kafka, topics, requests)
        with following(kafka, topics.results.name) as results, worker(kafka, topics, tmp_path, **_SLOW) as one:
            until(lambda: results.read() > 400, 60)
            cluster.kill(0)
            until(lambda: one.get("/readyz")[0] == 503, 40)
            assert one.get("/livez")[0] == 200
            cluster.restart(0)
            _expect_one_result_each(results, requests, 90)
            one.wait_ready()
            assert one.process.poll() is None


async def test_a_worker_that_is_there_before_kafka_waits_for_it(tmp_path: Path) -> None:
    with LocalKafka() as cluster:
        kafka = cluster.bootstrap_servers
        topics = await create_topics(kafka)
        cluster.kill(0)
        with worker(kafka, topics, tmp_path) as early:
            until(lambda: early.get("/livez")[0] == 200, 30)
            assert any("not in the group" in reason for reason in early.reasons())
            cluster.restart(0)
            early.wait_ready()
            requests = _requests(12)
            await _publish(kafka, topics, requests)
            with following(kafka, topics.results.name) as results:
                _expect_one_result_each(results, requests)


async def test_requests_of_transactions_count_when_they_have_committed(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    requests = _requests(8)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=f"requests-{uuid4()}")
    await producer.start()
    try:
        for at, (job, value) in enumerate(requests.items()):
            await producer.begin_transaction()
            await producer.send_and_wait(topics.requests.name, value, job.encode(), partition=0)
            await (producer.abort_transaction() if at % 2 else producer.commit_transaction())
    finally:
        await producer.stop()
    with (
        following(kafka, topics.results.name) as results,
        worker(kafka, topics, tmp_path, PROCESSOR_STALL_SECONDS="4") as one,
    ):
        _expect_one_result_each(results, [job for at, job in enumerate(requests) if at % 2 == 0])
        one.wait_ready()
        await asyncio.sleep(6)
        assert one.get("/livez")[0] == 200, "the markers at the end of the log are no lag"
        assert one.total("valuation_consumer_lag_records") == 0


async def test_a_worker_under_load_stops_within_ten_seconds(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    requests = _requests(20_000)
    await _publish(kafka, topics, requests)
    with following(kafka, topics.results.name) as results, worker(kafka, topics, tmp_path, **_SLOW) as one:
        until(results.read, 40)
        one.process.terminate()
        assert one.process.wait(10) == 0
        one.restart()
        _expect_one_result_each(results, requests, 90)
