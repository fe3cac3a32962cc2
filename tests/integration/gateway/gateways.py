"""Real gateways as processes of their own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from deploy.local.ports import free_ports
from schemas.codec import decode_request
from schemas.result_codec import encode_completed
from schemas.topics import Topic
from tests.waiting import holds

RUN = "/api/v1/valuation/run"
GOOD = {"property_id": "PROP123", "county_id": "BENTON"}


class GatewayProcess:
    """One ``python -m producer`` and a client in front of it."""

    def __init__(self, bootstrap: str, prefix: str, directory: Path) -> None:
        self.port = free_ports(1)[0]
        self.log = directory / f"gateway-{self.port}.log"
        self._env = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "TOPIC_PREFIX": prefix,
            "DATA_DIR": str(directory / str(self.port)),
            "GATEWAY_PORT": str(self.port),
        }
        self.client = aiohttp.ClientSession(f"http://127.0.0.1:{self.port}")
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "producer", env=self._env, stdout=log, stderr=log
            )

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(how)
        async with asyncio.timeout(15):
            return await self.process.wait()

    async def answers(self, path: str, status: int = 200, seconds: float = 40) -> bool:
        """Return whether the path comes to answer with the status."""

        async def now() -> bool:
            try:
                async with self.client.get(path) as answer:
                    return answer.status == status
            except aiohttp.ClientError:
                return False

        return await holds(now, seconds)

    async def json(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        async with self.client.request(method, path, **options) as answer:
            return answer.status, orjson.loads(await answer.read())


@asynccontextmanager
async def running(bootstrap: str, prefix: str, directory: Path, *, ready: bool = True) -> AsyncIterator[GatewayProcess]:
    gateway = GatewayProcess(bootstrap, prefix, directory)
    try:
        await gateway.start()
        assert await gateway.answers("/readyz" if ready else "/livez"), gateway.log.read_text()
        yield gateway
    finally:
        await gateway.stop(signal.SIGKILL)
        await gateway.client.close()


async def read_all(bootstrap: str, topic: Topic) -> list[ConsumerRecord]:
    """Return every committed record of a topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", group_id=None)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        records: list[ConsumerRecord] = []
        while any([await consumer.position(at) < end for at, end in ends.items()]):
            for found in (await consumer.getmany(timeout_ms=200)).values():
                records += found
        return records
    finally:
        await consumer.stop()


async def answer_all(bootstrap: str, requests: Topic, results: Topic) -> int:
    """Do a worker's part: write a result for every request so far; return how many."""
    records = await read_all(bootstrap, requests)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        for record in records:
            request = decode_request(
                record.value,
                key=record.key,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                timestamp_ms=record.timestamp,
            )
            at = "2026-11-23T09:00:01.000Z"
            value = encode_completed(request, started_at=at, completed_at=at, result=b'{"estimated_value":1}')
            await producer.send(results.name, value, key=record.key, partition=record.partition)
    finally:
        await producer.stop()
    return len(records)
