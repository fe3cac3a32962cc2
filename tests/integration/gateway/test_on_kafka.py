"""The gateway as a process on a real Kafka."""

import asyncio
import signal
import time
from pathlib import Path

import orjson
from aiokafka.partitioner import murmur2

from deploy.local.kafka import LocalKafka, Plan
from deploy.local.ports import free_ports
from tests.integration.gateway.gateways import GOOD, RUN, GatewayProcess, answer_all, read_all, running
from tests.kafka import create_topics
from tests.waiting import holds

STATUS, RESULTS, BATCH = (f"/api/v1/valuation/{each}" for each in ("status", "results", "batch"))


def prefix_of(name: str) -> str:
    return name.removesuffix("valuation.requests")


async def test_what_was_accepted_is_on_the_topic_and_known_to_every_gateway(kafka: str, tmp_path: Path) -> None:
    table = await create_topics(kafka)
    prefix = prefix_of(table.requests.name)
    async with running(kafka, prefix, tmp_path) as one, running(kafka, prefix, tmp_path) as other:
        jobs = []
        for number in range(50):
            status, job = await one.json("POST", RUN, json=GOOD | {"property_id": f"P{number}"})
            assert status == 202
            assert await other.json("GET", f"{STATUS}/{job['job_id']}") == (200, job)
            jobs.append(job)
        records = await read_all(kafka, table.requests)
        assert sorted(record.key.decode() for record in records) == sorted(job["job_id"] for job in jobs)
        for record in records:
            assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % table.requests.partitions
        assert (await one.json("GET", f"{STATUS}/8f14e45f-ceea-467f-a8f5-6ac0d0c5d3b1"))[0] == 404
        assert await answer_all(kafka, table.requests, table.results) == 50
        for gateway in (one, other):
            done = f"{RESULTS}/{jobs[7]['job_id']}"
            assert await completed(gateway, done)
            status, job = await gateway.json("GET", done)
            assert (status, job["result"]) == (200, {"estimated_value": 1})


async def completed(gateway: GatewayProcess, path: str) -> bool:
    async def now() -> bool:
        return (await gateway.json("GET", path))[1]["completed_at"] is not None

    return await holds(now, 10)


async def test_a_property_that_was_put_is_on_the_roll_of_every_gateway_at_once(kafka: str, tmp_path: Path) -> None:
    table = await create_topics(kafka)
    prefix = prefix_of(table.requests.name)
    async with running(kafka, prefix, tmp_path) as one, running(kafka, prefix, tmp_path) as other:
        for number in range(10):
            path = f"/api/v1/counties/BENTON/properties/P%2F{number}"
            status, put = await one.json("PUT", path, json={"bedrooms": number})
            assert status == 202
            assert await other.json("GET", path) == (200, put)
        _, counties = await other.json("GET", "/api/v1/counties")
        assert counties["items"][0]["properties"] == 10


async def test_the_same_key_makes_one_job_through_two_gateways_and_a_restart(kafka: str, tmp_path: Path) -> None:
    table = await create_topics(kafka)
    prefix = prefix_of(table.requests.name)
    key = {"Idempotency-Key": "order-1"}
    async with running(kafka, prefix, tmp_path) as one, running(kafka, prefix, tmp_path) as other:
        _, first = await one.json("POST", RUN, json=GOOD, headers=key)
        assert await other.json("POST", RUN, json=GOOD, headers=key) == (202, first)
        assert (await other.json("POST", RUN, json=GOOD | {"property_id": "Q"}, headers=key))[0] == 422
        await one.stop(signal.SIGKILL)
        await one.start()
        assert await one.answers("/readyz")
        assert await one.json("POST", RUN, json=GOOD, headers=key) == (202, first)
    assert len(await read_all(kafka, table.requests)) == 1


async def test_a_batch_is_followed_to_its_end(kafka: str, tmp_path: Path) -> None:
    table = await create_topics(kafka)
    async with running(kafka, prefix_of(table.requests.name), tmp_path) as gateway:
        lines = b"\n".join(orjson.dumps(GOOD | {"property_id": f"P{number}"}) for number in range(5000))
        headers = {"Content-Type": "application/x-ndjson"}
        status, batch = await gateway.json("POST", BATCH, data=lines, headers=headers)
        assert (status, batch["total"], batch["published"]) == (202, 5000, 5000)
        assert await answer_all(kafka, table.requests, table.results) == 5000
        async with asyncio.timeout(30):
            while batch["state"] != "COMPLETED":
                _, batch = await gateway.json("GET", f"/api/v1/valuation/batches/{batch['batch_id']}")
        assert (batch["completed"], batch["progress"], batch["failed"]) == (5000, 100.0, 0)


async def test_sigterm_answers_what_was_begun_and_ends_cleanly(kafka: str, tmp_path: Path) -> None:
    table = await create_topics(kafka)
    async with running(kafka, prefix_of(table.requests.name), tmp_path) as gateway:
        calls = [asyncio.create_task(gateway.json("POST", RUN, json=GOOD)) for _ in range(200)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        started = time.monotonic()
        assert await gateway.stop() == 0
        assert time.monotonic() - started < 10
        answers = await asyncio.gather(*calls, return_exceptions=True)
        accepted = {each[1]["job_id"] for each in answers if not isinstance(each, BaseException) and each[0] == 202}
    assert accepted
    assert accepted <= {record.key.decode() for record in await read_all(kafka, table.requests)}


async def test_the_gateway_outlives_kafka(tmp_path: Path) -> None:
    """It starts before Kafka, says in time that Kafka is away, and goes on by itself when it comes, twice."""
    [port] = free_ports(1)
    bootstrap = f"127.0.0.1:{port}"
    async with running(bootstrap, "", tmp_path, ready=False) as gateway:
        assert await gateway.answers("/readyz", 503)
        await refused_in_time(gateway)
        cluster = await asyncio.to_thread(LocalKafka(Plan(port=port)).__enter__)
        try:
            await create_topics(bootstrap, "")
            assert await gateway.answers("/readyz"), gateway.log.read_text()
            status, job = await gateway.json("POST", RUN, json=GOOD)
            assert status == 202
            assert await gateway.json("GET", f"{STATUS}/{job['job_id']}") == (200, job)
            cluster.kill(0)
            await refused_in_time(gateway)
            assert await gateway.json("GET", f"{STATUS}/{job['job_id']}") == (200, job)
            assert await gateway.answers("/readyz", 503)
            assert await gateway.answers("/livez")
            await asyncio.to_thread(cluster.restart, 0)
            assert await gateway.answers("/readyz"), gateway.log.read_text()
            assert (await gateway.json("POST", RUN, json=GOOD))[0] == 202
        finally:
            await asyncio.to_thread(cluster.stop)


async def refused_in_time(gateway: GatewayProcess) -> None:
    for _ in range(3):
        started = time.monotonic()
        async with gateway.client.post(RUN, json=GOOD) as answer:
            problem = orjson.loads(await answer.read())
            assert (answer.status, answer.content_type) == (503, "application/problem+json")
            assert int(answer.headers["Retry-After"]) > 0
            assert len(problem["job_id"]) == 36
        assert time.monotonic() - started < 5
