"""Throughput of one worker process catching up on a backlog, this system's or a peer's."""

import argparse
import asyncio
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from bench.backlog import Progress, count_committed, create, fill
from bench.contenders import CONTENDERS, THIS_SYSTEM, Contender
from bench.report import Cell, Report
from bench.watched import Watched
from deploy.local.kafka import LocalKafka
from deploy.local.ports import free_ports
from schemas.topics import Topics, topics

_POLL_SECONDS = 0.1
_START_SECONDS = 60.0


@contextmanager
def running(bootstrap: str, contender: Contender, prefix: str, tuned: Mapping[str, str]) -> Iterator[Watched]:
    """Run a contender on the topics of a prefix, as a member of the group that ``group_of`` names."""
    with tempfile.TemporaryDirectory(prefix="bench-peer-") as scratch:
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "TOPIC_PREFIX": prefix,
            "BENCH_GROUP": group_of(topics(prefix)),
            "PROCESSOR_GROUP": group_of(topics(prefix)),
            "PROCESSOR_PORT": str(free_ports(1)[0]),
            "LOG_LEVEL": "WARNING",
            "TMPDIR": scratch,
            **tuned,
        }
        with Watched((), environment, command=contender.program()) as process:
            yield process


def group_of(table: Topics) -> str:
    """Return the consumer group that works on a set of topics."""
    return f"{table.requests.name}.bench"


async def measure(bootstrap: str, contender: Contender, requests: int) -> Mapping[str, Cell]:
    """Let one contender work off a backlog of its own; return its row."""
    prefix = f"bench-{uuid.uuid4().hex[:8]}."
    table = topics(prefix)
    count = int(requests * contender.share)
    await create(bootstrap, table)
    await fill(bootstrap, table.requests, count)
    async with Progress(bootstrap, table.requests, group_of(table)) as progress:
        with running(bootstrap, contender, prefix, contender.throughput) as process:
            rate, cpu_us = await _watch(process, progress, count)
    return {
        "what": contender.name,
        "guarantee": contender.guarantee,
        "duplicates": contender.duplicates,
        "requests": count,
        "requests/s": rate,
        "CPU us/request": cpu_us,
        "peak MB": process.peak_mb,
        **await _verdict(bootstrap, table, count),
    }


async def _watch(process: Watched, progress: Progress, count: int) -> tuple[float, float]:
    """Return the rate and the CPU time a request, from the first settled request seen to the last."""
    first = await _first(process, progress)
    started, cpu = time.monotonic(), process.cpu_seconds()
    last = await until_settled(process, progress, count)
    seconds, used = time.monotonic() - started, process.cpu_seconds() - cpu
    return (last - first) / seconds, used / (last - first) * 1e6


async def _first(process: Watched, progress: Progress) -> int:
    end = time.monotonic() + _START_SECONDS
    while not (first := await progress.settled()):
        process.cpu_seconds()
        if time.monotonic() > end:
            raise TimeoutError("nothing was settled within a minute of the start")
        await asyncio.sleep(_POLL_SECONDS / 4)
    return first


async def until_settled(process: Watched, progress: Progress, count: int) -> int:
    """Wait until a group has settled so many requests; return how many it has.

    Raises:
        TimeoutError: for a minute nothing more was settled.
    """
    last, end = -1, time.monotonic() + _START_SECONDS
    while (settled := await progress.settled()) < count:
        process.cpu_seconds()
        if settled > last:
            last, end = settled, time.monotonic() + _START_SECONDS
        elif time.monotonic() > end:
            raise TimeoutError(f"{settled} of {count} requests are settled, and no more for a minute")
        await asyncio.sleep(_POLL_SECONDS)
    return settled


async def _verdict(bootstrap: str, table: Topics, count: int) -> Mapping[str, Cell]:
    records, distinct = await count_committed(bootstrap, table.results)
    return {"lost": count - distinct, "doubled": records - distinct}


def main(arguments: Sequence[str]) -> None:
    """Measure this system, or the contenders whose name holds a text, ``--rounds`` times, and show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench pipeline", description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", help="contenders whose name holds this text", default=THIS_SYSTEM.name)
    options = parser.parse_args(arguments)
    report = Report("pipeline", {"requests": options.requests, "broker": "one, on the same machine"})
    with LocalKafka() as kafka:
        for _ in range(options.rounds):
            for contender in CONTENDERS:
                if options.only in contender.name:
                    report.rows.append(asyncio.run(measure(kafka.bootstrap_servers, contender, options.requests)))
    report.show()
