"""A county valued anew while gateway and worker are killed: every property has one value, and the same one."""

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

import orjson

from schemas.topics import Topics
from tests.integration.gateway.gateways import GatewayProcess, read_all, running
from tests.integration.gateway.test_on_kafka import prefix_of
from tests.integration.processor.workers import WorkerProcess, worker
from tests.kafka import create_topics

REAPPRAISALS, BATCHES = "/api/v1/valuation/reappraisals", "/api/v1/valuation/batches"
ROLL = 12_000
SECONDS = 100
Outcome = dict[str, tuple[str, float | None]]


async def reappraised(gateway: GatewayProcess, killed: list[GatewayProcess | WorkerProcess]) -> list[dict[str, Any]]:
    """Have the county valued anew; kill and restart something at each quarter; return the batch at every look."""
    _, batch = await gateway.json("POST", REAPPRAISALS, json={"county_id": "BENTON"})
    looks, left, end = [batch], list(killed), time.monotonic() + SECONDS
    while batch["state"] != "COMPLETED" and time.monotonic() < end:
        status, now = await gateway.json("GET", f"{BATCHES}/{batch['batch_id']}")
        assert status == 200
        looks.append(batch := now)
        if left and batch["completed"] * (len(killed) + 1) > batch["total"] * (len(killed) + 1 - len(left)):
            await kill_and_start(left.pop(0))
    assert not left, "it was over before everything could be killed"
    return looks


async def kill_and_start(process: GatewayProcess | WorkerProcess) -> None:
    if isinstance(process, WorkerProcess):
        await asyncio.to_thread(process.kill)
        process.restart()
        return
    await process.stop(signal.SIGKILL)
    await process.start()
    assert await process.answers("/readyz"), process.log.read_text()


async def outcome(bootstrap: str, table: Topics, batch_id: str) -> Outcome:
    """What the results topic says of each property, each of which has one result."""
    results = [orjson.loads(record.value) for record in await read_all(bootstrap, table.results)]
    found = [result for result in results if result["batch_id"] == batch_id]
    said = {
        result["property_id"]: (result["status"], result["result"] and result["result"]["estimated_value"])
        for result in found
    }
    assert len(said) == len(found) == ROLL
    return said


async def test_kill_9_of_gateway_and_worker_changes_nothing_in_the_outcome(kafka: str, tmp_path: Path) -> None:
    table = await create_topics(kafka)
    async with running(kafka, prefix_of(table.requests.name), tmp_path) as gateway:
        roll = [{"property_id": f"P{number:05}", "bedrooms": 3} for number in range(ROLL)]
        assert (await gateway.json("POST", "/api/v1/counties/BENTON/properties", json=roll))[0] == 202
        with worker(kafka, table, tmp_path) as one:
            await asyncio.to_thread(one.wait_ready)
            calm = await reappraised(gateway, [])
            disturbed = await reappraised(gateway, [gateway, one])
            for looks in (calm, disturbed):
                done = looks[-1]
                assert (done["state"], done["completed"], done["failed"], done["progress"]) == (
                    "COMPLETED",
                    ROLL,
                    0,
                    100,
                )
                assert len({look["completed"] for look in looks}) > 3, "no progress was to be seen on the way"
                counts = [look["completed"] for look in looks]
                assert counts == sorted(counts)
    before = await outcome(kafka, table, calm[-1]["batch_id"])
    assert before == await outcome(kafka, table, disturbed[-1]["batch_id"])
