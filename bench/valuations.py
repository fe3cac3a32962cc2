"""Throughput of the whole pipeline with real engines: every result explained, exactly once, sample county BENTON.

While the workers catch up, their ``/livez`` is asked fifty times a second: a blocked event loop would show there.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.backlog import Progress, count_committed, create, fill
from bench.report import Cell, Report, quantile
from bench.watched import Watched
from deploy.local.kafka import LocalKafka
from deploy.local.ports import free_ports
from deploy.sample.publishing import publish_sample_county
from schemas.topics import Topics, topics

TRAIN = ("-c", "from deploy.cli import main; main()", "train", "--county", "BENTON", "--force")
_POLL_SECONDS = 0.1
_START_SECONDS = 90.0


@dataclass(slots=True)
class Pulse:
    """Asks a worker's ``/livez`` again and again; keeps how long each answer took."""

    url: str
    milliseconds: list[float] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Ask until told to end; only what is answered counts."""
        while not self._over.wait(0.02):
            started = time.perf_counter()
            try:
                with urllib.request.urlopen(self.url, timeout=10) as answer:  # noqa: S310 - loopback
                    answer.read()
            except OSError:
                continue
            self.milliseconds.append((time.perf_counter() - started) * 1e3)

    def end(self) -> None:
        """Ask no more."""
        self._over.set()


def _settings(bootstrap: str, prefix: str, data_dir: str) -> Mapping[str, str]:
    return {"KAFKA_BOOTSTRAP_SERVERS": bootstrap, "TOPIC_PREFIX": prefix, "DATA_DIR": data_dir, "LOG_LEVEL": "WARNING"}


async def measure(  # noqa: PLR0913, PLR0917 - the conditions of one row
    bootstrap: str, table: Topics, settings: Mapping[str, str], what: str, workers: int, requests: int
) -> Mapping[str, Cell]:
    """Let workers of a group of their own value a backlog; the time counts from the first settled request seen."""
    group, ports = f"bench-{uuid.uuid4().hex[:8]}", free_ports(workers)
    before, _ = await count_committed(bootstrap, table.results)
    pulse = Pulse(f"http://127.0.0.1:{ports[0]}/livez")
    async with Progress(bootstrap, table.requests, group) as progress:
        with ExitStack() as stack:
            processes = [
                stack.enter_context(
                    Watched(["-m", "processor"], {**settings, "PROCESSOR_GROUP": group, "PROCESSOR_PORT": str(port)})
                )
                for port in ports
            ]
            threading.Thread(target=pulse.run, daemon=True).start()
            rate, cpu_us = await _watch(processes, progress, requests)
            pulse.end()
    records, _ = await count_committed(bootstrap, table.results)
    return {
        "what": what,
        "requests": requests,
        "results/s": rate,
        "CPU us/request": cpu_us,
        "peak MB": max(process.peak_mb for process in processes),
        "/livez p99 ms": quantile(sorted(pulse.milliseconds), 0.99),
        "/livez max ms": max(pulse.milliseconds),
        "results - requests": records - before - requests,
    }


async def _watch(processes: Sequence[Watched], progress: Progress, requests: int) -> tuple[float, float]:
    """Return results a second and CPU microseconds a result, all workers together."""
    end = time.monotonic() + _START_SECONDS
    while not (first := await progress.settled()):
        _ = [process.cpu_seconds() for process in processes]
        if time.monotonic() > end:
            raise TimeoutError("nothing was settled within a minute and a half of the start")
        await asyncio.sleep(_POLL_SECONDS / 4)
    started, cpu = time.monotonic(), sum(process.cpu_seconds() for process in processes)
    while (last := await progress.settled()) < requests:
        _ = [process.cpu_seconds() for process in processes]
        await asyncio.sleep(_POLL_SECONDS)
    seconds, used = time.monotonic() - started, sum(process.cpu_seconds() for process in processes) - cpu
    return (last - first) / seconds, used / (last - first) * 1e6


async def _set_up(bootstrap: str, table: Topics, requests: int) -> None:
    await create(bootstrap, table)
    await publish_sample_county(table, {"bootstrap_servers": bootstrap})
    await fill(bootstrap, table.requests, requests)


def main(arguments: Sequence[str]) -> None:
    """Measure comparable sales alone, then a trained model with one worker and with two, and show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench valuations", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    options = parser.parse_args(arguments)
    report = Report("valuations", {"requests": options.requests, "county": "BENTON", "properties": 5_000})
    prefix = f"bench-{uuid.uuid4().hex[:8]}."
    table = topics(prefix)
    with LocalKafka() as kafka, tempfile.TemporaryDirectory() as scratch:
        settings = _settings(kafka.bootstrap_servers, prefix, scratch)
        asyncio.run(_set_up(kafka.bootstrap_servers, table, options.requests))
        row = measure(kafka.bootstrap_servers, table, settings, "comparable sales, 1 worker", 1, options.requests)
        report.rows.append(asyncio.run(row))
        subprocess.run([sys.executable, *TRAIN], env={**os.environ, **settings}, check=True, stdout=subprocess.DEVNULL)
        for workers in (1, 2):
            what = f"trained model, {workers} worker{'s' * (workers > 1)}"
            row = measure(kafka.bootstrap_servers, table, settings, what, workers, options.requests)
            report.rows.append(asyncio.run(row))
    report.show()
