"""The kcat example of docs/examples.md speaks to a real Kafka as it stands, but for address and topic names."""

import asyncio
import shutil
from pathlib import Path
from typing import Final

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from schemas.codec import decode_request
from tests.kafka import create_topics
from tests.unit.examples.test_examples import examples, run

_KCAT: Final = "no kcat on the PATH: apt-get install kcat (or run .ci/packages) to run its example"


async def _published(kafka: str, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
    await producer.start()
    await producer.send_and_wait(topic, value)
    await producer.stop()


@pytest.mark.skipif(shutil.which("kcat") is None, reason=_KCAT)
async def test_kcat_asks_and_listens(kafka: str, tmp_path: Path) -> None:
    table = await create_topics(kafka)
    (code,) = examples("kcat")
    code = code.replace("localhost:9092", kafka)
    for topic in (table.requests.name, table.results.name):
        code = code.replace(f"-t valuation.{topic.rpartition('.')[2]}", f"-t {topic}")
    ask, listen = code.splitlines()
    await run("sh", "-euc", ask, cwd=tmp_path)
    everything = f"kcat -C -b {kafka} -t {table.requests.name} -o beginning -e -q"
    async with asyncio.timeout(60):
        (record,) = (await run("sh", "-euc", everything, cwd=tmp_path)).splitlines()
    request = decode_request(
        record.encode(), key=None, topic=table.requests.name, partition=0, offset=0, timestamp_ms=0
    )
    assert (request.property_id, request.county_id) == ("PROP123", "BENTON")
    await _published(kafka, table.results.name, b'{"status":"COMPLETED"}')
    assert orjson.loads(await run("sh", "-euc", listen, cwd=tmp_path)) == {"status": "COMPLETED"}
