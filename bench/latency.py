"""Time from publishing a request to its result being visible to read_committed readers, at a fixed rate, open loop."""

import argparse
import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.backlog import create
from bench.report import Cell, Report, quantile
from bench.watched import Watched
from deploy.local.kafka import LocalKafka
from deploy.local.ports import free_ports
from schemas.topics import Topics, topics

_TICK_SECONDS = 0.005
_WARM_UP_SECONDS = 5.0


async def _publish(
    producer: AIOKafkaProducer, table: Topics, rate: int, seconds: float, sent: dict[bytes, float]
) -> None:
    """Publish at a fixed rate; a late tick catches up, so that a stall of the system cannot slow the load."""
    started = time.perf_counter()
    count = 0
    while (elapsed := time.perf_counter() - started) < seconds:
        while count < elapsed * rate:
            job_id = str(uuid.uuid4()).encode()
            body = {"job_id": job_id.decode(), "property_id": f"PROP{count % 5_000 + 1}", "county_id": "BENTON"}
            sent[job_id] = time.perf_counter()
            await producer.send(table.requests.name, key=job_id, value=orjson.dumps(body))
            count += 1
        await asyncio.sleep(_TICK_SECONDS)
    await producer.flush()


async def _watch(consumer: AIOKafkaConsumer, seen: dict[bytes, float]) -> None:
    while True:
        for records in (await consumer.getmany(timeout_ms=1_000)).values():
            now = time.perf_counter()
            for record in records:
                seen[record.key] = now


async def measure(bootstrap: str, table: Topics, rate: int, seconds: float) -> Mapping[str, Cell]:
    """Load one running worker; return the row of its latencies, those of the warm-up left out."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=1)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", fetch_max_wait_ms=100)
    await producer.start()
    await consumer.start()
    consumer.assign([TopicPartition(table.results.name, number) for number in range(table.results.partitions)])
    await consumer.seek_to_beginning()
    sent: dict[bytes, float] = {}
    seen: dict[bytes, float] = {}
    watching = asyncio.create_task(_watch(consumer, seen))
    await _publish(producer, table, rate, _WARM_UP_SECONDS + seconds, sent)
    end = time.monotonic() + 30
    while len(seen) < len(sent) and time.monotonic() < end:
        await asyncio.sleep(_TICK_SECONDS)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await consumer.stop()
    await producer.stop()
    warm = min(sent.values()) + _WARM_UP_SECONDS
    ms = sorted((seen[job] - at) * 1e3 for job, at in sent.items() if job in seen and at > warm)
    row: dict[str, Cell] = {"what": f"{rate} requests/s", "requests": len(sent), "unanswered": len(sent) - len(seen)}
    return row | {f"p{q:g} ms": quantile(ms, q / 100) for q in (50, 90, 99, 99.9)} | {"max ms": ms[-1]}


async def _all(bootstrap: str, table: Topics, rates: Sequence[int], seconds: float) -> list[Mapping[str, Cell]]:
    await create(bootstrap, table)
    return [await measure(bootstrap, table, rate, seconds) for rate in rates]


def main(arguments: Sequence[str]) -> None:
    """Measure one worker at each of the rates and show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench latency", description=__doc__)
    parser.add_argument("--rates", type=int, nargs="+", default=[10, 1_000])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--engine", default="constant")
    options = parser.parse_args(arguments)
    report = Report("latency", {"engine": options.engine, "seconds a rate": options.seconds})
    with LocalKafka() as kafka:
        prefix = f"bench-{uuid.uuid4().hex[:8]}."
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "TOPIC_PREFIX": prefix,
            "PROCESSOR_ENGINE": options.engine,
            "PROCESSOR_PORT": str(free_ports(1)[0]),
            "LOG_LEVEL": "WARNING",
        }
        with Watched(["-m", "processor"], environment):
            report.rows += asyncio.run(_all(kafka.bootstrap_servers, topics(prefix), options.rates, options.seconds))
    report.show()
