"""How long a worker takes until it is ready, and how much memory it holds, by parcels on the roll, with and without
a snapshot of the roll. The parcels carry what real rolls carry; the worker is a whole one, on a real Kafka."""

import argparse
import asyncio
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
from aiokafka import AIOKafkaProducer

from bench.backlog import create
from bench.report import Cell, Report
from bench.watched import Watched
from deploy.local.kafka import LocalKafka
from deploy.local.ports import free_ports
from schemas.topics import Topic, Topics, topics

_READY_SECONDS = 240.0
_TOWNS = ("Kennewick", "Richland", "West Richland", "Prosser", "Benton City", "Finley", "Paterson", "Plymouth")


def parcel(number: int) -> dict[str, object]:
    """Return the record of one parcel: 19 standard characteristics and two of the county's own."""
    return {
        "property_id": f"1-{number:09d}-{number % 97:02d}",
        "county_id": "BENTON",
        "latitude": 46.2 + (number * 7919 % 10_007) / 30_000,
        "longitude": -119.3 + (number * 104_729 % 10_009) / 20_000,
        "address": f"{number % 9_999 + 1} {_TOWNS[number % 7]} Avenue",
        "neighborhood": f"{_TOWNS[number % 8]} {number % 31}",
        "property_class": "residential",
        "living_area_sqft": 800 + number % 3_001,
        "lot_size_sqft": 3_000 + number % 20_011,
        "basement_sqft": number % 3 * 400,
        "garage_sqft": number % 2 * 480,
        "year_built": 1900 + number % 126,
        "year_renovated": 2000 + number % 26 if number % 5 == 0 else None,
        "bedrooms": 1 + number % 6,
        "bathrooms": 1 + number % 7 / 2,
        "stories": 1 + number % 3,
        "quality": 1 + number % 12,
        "condition": 1 + number % 5,
        "view": number % 5,
        "waterfront": int(number % 100 == 0),
        "assessed_value": 150_000 + number % 700_001,
        "features": {"roof": ("shingle", "metal", "tile")[number % 3], "fireplaces": number % 4},
    }


async def fill_roll(bootstrap: str, topic: Topic, parcels: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5, max_batch_size=1 << 20)
    await producer.start()
    try:
        await asyncio.gather(*(_fill_partition(producer, topic, p, parcels) for p in range(topic.partitions)))
    finally:
        await producer.stop()


async def _fill_partition(producer: AIOKafkaProducer, topic: Topic, partition: int, parcels: int) -> None:
    batch = producer.create_batch()
    for number in range(partition, parcels, topic.partitions):
        record = parcel(number)
        key, value = f"BENTON/{record['property_id']}".encode(), orjson.dumps(record)
        while batch.append(key=key, value=value, timestamp=None) is None:
            await (await producer.send_batch(batch, topic.name, partition=partition))
            batch = producer.create_batch()
    await (await producer.send_batch(batch, topic.name, partition=partition))


def _start(environment: Mapping[str, str], what: str, parcels: int, keep: Path | None = None) -> Mapping[str, Cell]:
    """Start a worker, measure until it is ready; where ``keep`` is given, wait until it has written its snapshot."""
    [port] = free_ports(1)
    started = time.monotonic()
    with Watched(["-m", "processor"], {**environment, "PROCESSOR_PORT": str(port)}) as worker:
        seconds = _until_ready(worker, port, started)
        cpu, peak = worker.cpu_seconds(), worker.peak_mb
        while keep is not None and not list(keep.glob("*.snapshot")):
            worker.cpu_seconds()
            time.sleep(0.2)
        written = sum(path.stat().st_size for path in keep.glob("*.snapshot")) if keep is not None else 0
        worker.peak_mb = 0.0
        worker.cpu_seconds()
        resident = worker.peak_mb
    return {
        "what": what,
        "parcels": parcels,
        "ready s": seconds,
        "CPU s": cpu,
        "peak MB until ready": peak,
        "MB after": resident,
        "snapshot MB": written / 2**20 or None,
    }


def _until_ready(worker: Watched, port: int, started: float) -> float:
    while time.monotonic() - started < _READY_SECONDS:
        worker.cpu_seconds()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return time.monotonic() - started
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the worker was not ready within four minutes")


async def _set_up(bootstrap: str, table: Topics, parcels: int) -> None:
    await create(bootstrap, table)
    await fill_roll(bootstrap, table.property_records, parcels)


def main(arguments: Sequence[str]) -> None:
    """Measure a start for each number of parcels, from the topic alone and from a snapshot, and show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench roll", description=__doc__)
    parser.add_argument("--parcels", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    options = parser.parse_args(arguments)
    report = Report("roll", {"characteristics": len(parcel(0)) - 3 + 2})
    for parcels in options.parcels:
        table, directory = topics(prefix := f"bench-{uuid.uuid4().hex[:8]}."), tempfile.TemporaryDirectory()
        with LocalKafka() as kafka, directory as scratch:
            asyncio.run(_set_up(kafka.bootstrap_servers, table, parcels))
            environment = {
                "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
                "TOPIC_PREFIX": prefix,
                "DATA_DIR": scratch,
                "LOG_LEVEL": "WARNING",
                "PROCESSOR_ROLL_SNAPSHOT_PARCELS": "0",
            }
            keep = Path(scratch) / "roll"
            report.rows.append(_start(environment, "from the topic", parcels, keep))
            report.rows.append(_start(environment, "from a snapshot", parcels))
    report.show()
