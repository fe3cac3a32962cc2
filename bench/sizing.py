"""The table that an installation is sized by: what a request costs and how fast requests are settled, by properties on
the roll and by worker processes, with a trained model. Partitions are served one process each up to the processes."""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence

from bench.backlog import create, fill
from bench.report import Cell, Report
from bench.roll import fill_roll
from bench.valuations import TRAIN, measure
from deploy.local.kafka import LocalKafka
from deploy.sample.publishing import publish_sample_county
from schemas.topics import Topics, topics


async def _publish_sample(bootstrap: str, table: Topics) -> None:
    """Publish the sample county, with the sales that a model learns from."""
    await create(bootstrap, table)
    await publish_sample_county(table, {"bootstrap_servers": bootstrap})


async def _fill(bootstrap: str, table: Topics, properties: int, requests: int) -> None:
    """Publish as many more parcels as are wanted, and a backlog for the sample county."""
    await fill_roll(bootstrap, table.property_records, properties - 5_000)
    await fill(bootstrap, table.requests, requests)


def _rows(
    kafka: str, properties: int, processes: Sequence[int], requests: int, *, trained: bool
) -> Iterator[Mapping[str, Cell]]:
    prefix = f"bench-{uuid.uuid4().hex[:8]}."
    table = topics(prefix)
    with tempfile.TemporaryDirectory() as scratch:
        settings = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "TOPIC_PREFIX": prefix,
            "DATA_DIR": scratch,
            "LOG_LEVEL": "WARNING",
        }
        asyncio.run(_publish_sample(kafka, table))
        if trained:
            command = [sys.executable, *TRAIN]
            subprocess.run(command, env={**os.environ, **settings}, check=True, stdout=subprocess.DEVNULL)
        asyncio.run(_fill(kafka, table, properties, requests))
        for count in processes:
            what = f"{properties:,} properties, {count} process{'es' * (count > 1)}"
            row = asyncio.run(measure(kafka, table, settings, what, count, requests))
            sys.stderr.write(f"{dict(row)}\n")
            yield row


def main(arguments: Sequence[str]) -> None:
    """Measure each number of properties with one process, and the first also with more; show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench sizing", description=__doc__)
    parser.add_argument("--properties", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--untrained", action="store_true", help="value by comparable sales, which needs no training")
    options = parser.parse_args(arguments)
    engine = "comparable sales" if options.untrained else "trained"
    report = Report("sizing", {"requests": options.requests, "engine": engine, "cores": os.cpu_count() or 0})
    with LocalKafka() as kafka:
        for number, properties in enumerate(options.properties):
            processes = options.processes if number == 0 else options.processes[:1]
            rows = _rows(
                kafka.bootstrap_servers, properties, processes, options.requests, trained=not options.untrained
            )
            report.rows += rows
    report.show()
