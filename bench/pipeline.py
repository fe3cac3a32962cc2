"""Throughput of one worker process catching up on a backlog, against peers doing the same work on the same broker."""

import argparse
import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.backlog import Progress, count_committed, create, fill
from bench.report import Cell, Report
from bench.watched import Watched
from deploy.local.kafka import LocalKafka
from deploy.local.ports import free_ports
from schemas.topics import Topics, topics

_POLL_SECONDS = 0.1
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do the work: what to run, under which guarantee, with which share of the backlog."""

    name: str
    guarantee: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    share: float = 1.0


CONTENDERS = (
    Contender("this system, constant engine", "exactly once", ["-m", "processor"], {"PROCESSOR_ENGINE": "constant"}),
    Contender("confluent-kafka loop", "exactly once", ["-m", "bench.peers.confluent_loop"], {}),
    Contender(
        "plain Faust", "at least once", ["-m", "bench.peers.faust_agent", "worker", "-l", "error"], {}, share=0.02
    ),
)


async def measure(bootstrap: str, contender: Contender, requests: int) -> Mapping[str, Cell]:
    """Let one contender work off a backlog of its own; return its row."""
    name = uuid.uuid4().hex[:8]
    table = topics(f"bench-{name}.")
    count = int(requests * contender.share)
    await create(bootstrap, table)
    await fill(bootstrap, table.requests, count)
    group = f"{table.requests.name}.bench"
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "TOPIC_PREFIX": f"bench-{name}.",
        "BENCH_GROUP": group,
        "PROCESSOR_GROUP": group,
        "PROCESSOR_PORT": str(free_ports(1)[0]),
        "LOG_LEVEL": "WARNING",
        **contender.environment,
    }
    async with Progress(bootstrap, table.requests, group) as progress:
        with Watched(contender.arguments, environment) as process:
            rate, cpu_us = await _watch(process, progress, count)
    return {
        "what": contender.name,
        "guarantee": contender.guarantee,
        "requests": count,
        "requests/s": rate,
        "CPU us/request": cpu_us,
        "peak MB": process.peak_mb,
        **await _verdict(bootstrap, table, count),
    }


async def _watch(process: Watched, progress: Progress, count: int) -> tuple[float, float]:
    """Return the rate and the CPU time a request, from the first settled request seen to the last."""
    end = time.monotonic() + _START_SECONDS
    while not (first := await progress.settled()):
        process.cpu_seconds()
        if time.monotonic() > end:
            raise TimeoutError("nothing was settled within a minute of the start")
        await asyncio.sleep(_POLL_SECONDS / 4)
    started, cpu = time.monotonic(), process.cpu_seconds()
    while (last := await progress.settled()) < count:
        process.cpu_seconds()
        await asyncio.sleep(_POLL_SECONDS)
    seconds, used = time.monotonic() - started, process.cpu_seconds() - cpu
    return (last - first) / seconds, used / (last - first) * 1e6


async def _verdict(bootstrap: str, table: Topics, count: int) -> Mapping[str, Cell]:
    records, distinct = await count_committed(bootstrap, table.results)
    return {"lost": count - distinct, "doubled": records - distinct}


def main(arguments: Sequence[str]) -> None:
    """Measure the contenders one after the other, ``--rounds`` times, and show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench pipeline", description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", help="only contenders whose name holds this text", default="")
    options = parser.parse_args(arguments)
    report = Report("pipeline", {"requests": options.requests, "broker": "one, on the same machine"})
    with LocalKafka() as kafka:
        for _ in range(options.rounds):
            for contender in CONTENDERS:
                if options.only in contender.name:
                    report.rows.append(asyncio.run(measure(kafka.bootstrap_servers, contender, options.requests)))
    report.show()
