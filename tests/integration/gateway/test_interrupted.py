"""A gateway killed while it publishes: the next process goes on by itself, and the outcome is the same."""

import asyncio
import io
import signal
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from schemas.topics import Topic
from tests.integration.gateway.gateways import GatewayProcess, read_all, running
from tests.integration.gateway.test_on_kafka import prefix_of
from tests.kafka import create_topics
from tests.waiting import holds

BATCH, BATCHES, REAPPRAISALS = (f"/api/v1/valuation/{each}" for each in ("batch", "batches", "reappraisals"))
MANY = 30_000
ROLL = 6_000


async def batches(gateway: GatewayProcess) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await gateway.json("GET", BATCHES))[1]["items"]
    return items


async def killed_and_started(gateway: GatewayProcess) -> None:
    await gateway.stop(signal.SIGKILL)
    await gateway.start()
    assert await gateway.answers("/readyz"), gateway.log.read_text()


async def published(gateway: GatewayProcess, total: int) -> bool:
    async def now() -> bool:
        (batch,) = await batches(gateway)
        return (batch["state"], batch["total"], batch["published"]) == ("RUNNING", total, total)

    return await holds(now, 60)


async def properties(bootstrap: str, topic: Topic) -> list[str]:
    """The property of each job, once however often it is on the topic."""
    records = {record.key: orjson.loads(record.value) for record in await read_all(bootstrap, topic)}
    return sorted(record["property_id"] for record in records.values())


async def test_a_posted_batch_goes_on_after_kill_9(kafka: str, tmp_path: Path) -> None:
    table = await create_topics(kafka)
    async with running(kafka, prefix_of(table.requests.name), tmp_path) as gateway:
        asked = [{"property_id": f"P{number:05}", "county_id": "BENTON"} for number in range(MANY)]
        body, headers = io.BytesIO(orjson.dumps(asked)), {"Content-Type": "application/json"}
        post = asyncio.create_task(gateway.json("POST", BATCH, data=body, headers=headers))
        while not post.done() and not await batches(gateway):
            pass
        await killed_and_started(gateway)
        answer = (await asyncio.gather(post, return_exceptions=True))[0]
        assert isinstance(answer, aiohttp.ClientError), "it was killed too late to interrupt anything"
        assert await published(gateway, MANY), gateway.log.read_text()
    assert await properties(kafka, table.requests) == [each["property_id"] for each in asked]


async def test_a_reappraisal_goes_on_after_kill_9(kafka: str, tmp_path: Path) -> None:
    table = await create_topics(kafka)
    async with running(kafka, prefix_of(table.requests.name), tmp_path) as gateway:
        roll = [{"property_id": f"P{number:05}", "bedrooms": 3} for number in range(ROLL)]
        assert (await gateway.json("POST", "/api/v1/counties/BENTON/properties", json=roll))[0] == 202
        status, batch = await gateway.json("POST", REAPPRAISALS, json={"county_id": "BENTON"})
        assert (status, batch["state"], batch["total"]) == (202, "PUBLISHING", ROLL)
        await killed_and_started(gateway)
        assert await published(gateway, ROLL), gateway.log.read_text()
    assert await properties(kafka, table.requests) == [each["property_id"] for each in roll]
