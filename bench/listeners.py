"""Server-sent events to many clients at once: each gets every result in order, and who stops reading is cut off."""

import argparse
import asyncio
import time
from collections.abc import Sequence

import aiohttp
import orjson
import uvloop
from aiokafka import AIOKafkaProducer

from bench.report import Report, quantile
from bench.system import HOST, served
from producer.ids import new_job_id
from schemas.codec import Request
from schemas.result_codec import encode_completed

_EVENTS = "/api/v1/valuation/events"
_BODY = orjson.dumps({"estimated_value": 412_300, "padding": "x" * 2500})


class Client:
    """One listener; ``ms`` is how long each result took from being handed to Kafka to being read here."""

    def __init__(self) -> None:
        self.ms: list[float] = []
        self.ids: list[str] = []

    async def listen(self, session: aiohttp.ClientSession, ready: asyncio.Semaphore, wanted: int) -> None:
        async with session.get(_EVENTS) as answer:
            ready.release()
            async for line in answer.content:
                if line.startswith(b"data: "):
                    event = line[6:200]
                    self.ids.append(event[11:47].decode())
                    at = int(event.split(b'"property_id":"', 1)[1].split(b'"', 1)[0])
                    self.ms.append((time.time_ns() - at) / 1e6)
                    if len(self.ids) == wanted:
                        return


async def publish(bootstrap: str, topic: str, rate: int, results: int) -> list[str]:
    """Write results at a rate; the property id tells when."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=2)
    await producer.start()
    ids, started = [], time.perf_counter()
    for number in range(results):
        await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
        job_id = new_job_id(time.time_ns() // 1_000_000)
        request = Request(job_id, str(time.time_ns()), "BENTON", 1_795_000_000_000, 20_000)
        at = "2026-11-23T09:00:00.000Z"
        value = encode_completed(request, started_at=at, completed_at=at, result=_BODY)
        await producer.send(topic, value, key=job_id.encode(), partition=0)
        ids.append(job_id)
    await producer.stop()
    return ids


async def measure(port: int, bootstrap: str, topic: str, options: argparse.Namespace) -> tuple[list[Client], int]:
    """Let clients listen, some without reading, and publish; returns the clients and how many missed something."""
    ready, clients = asyncio.Semaphore(0), [Client() for _ in range(options.clients)]
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=options.results / options.rate + 60)
    async with aiohttp.ClientSession(f"http://{HOST}:{port}", connector=connector, timeout=timeout) as session:
        sleepers = [await _stalled(port) for _ in range(options.stalled)]
        listening = [asyncio.create_task(each.listen(session, ready, options.results)) for each in clients]
        for _ in clients:
            await ready.acquire()
        await asyncio.sleep(1)
        ids = await publish(bootstrap, topic, options.rate, options.results)
        await asyncio.gather(*listening, return_exceptions=True)
        for writer in sleepers:
            writer.close()
    return clients, sum(each.ids != ids for each in clients)


async def _stalled(port: int) -> asyncio.StreamWriter:
    """Open a stream and never read it."""
    _, writer = await asyncio.open_connection(HOST, port, limit=1024)
    writer.write(f"GET {_EVENTS} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    return writer


def main(arguments: Sequence[str]) -> None:
    """Start Kafka and the gateway, let clients listen, and show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench listeners", description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--stalled", type=int, default=20)
    parser.add_argument("--rate", type=int, default=10)
    parser.add_argument("--results", type=int, default=200)
    options = parser.parse_args(arguments)
    report = Report("listeners", dict(vars(options)))
    limits = {"GATEWAY_MAX_CONNECTIONS": str(options.clients + options.stalled + 50)}
    with served(more=limits) as (process, port):
        cpu, topic = process.cpu_seconds(), f"{process.environment['TOPIC_PREFIX']}valuation.results"
        bootstrap = process.environment["KAFKA_BOOTSTRAP_SERVERS"]
        clients, missed = uvloop.run(measure(port, bootstrap, topic, options))
        ms = sorted(ms for each in clients for ms in each.ms)
        report.rows.append(
            {
                "what": f"{options.clients:,} clients and {options.stalled} that never read",
                "results sent": len(ms),
                "clients that missed some": missed,
                "p50 ms": quantile(ms, 0.5),
                "p99 ms": quantile(ms, 0.99),
                "CPU us/result sent": (process.cpu_seconds() - cpu) / max(1, len(ms)) * 1e6,
                "peak MB": process.peak_mb,
            }
        )
    report.show()
