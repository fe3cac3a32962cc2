"""Accepted requests a second through one gateway process on one core, ``acks=all``, job view on; then its latency."""

import argparse
import asyncio
import os
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Mapping, Sequence

import psutil
import uvloop

from bench.backlog import create
from bench.http_load import Tally, closed_loop, open_loop
from bench.report import Cell, Report, quantile
from bench.watched import Watched
from deploy.local.kafka import LocalKafka
from deploy.local.ports import free_ports
from schemas.topics import topics

_HOST = "127.0.0.1"


def _await_ready(port: int, process: Watched) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        process.cpu_seconds()
        try:
            with urllib.request.urlopen(f"http://{_HOST}:{port}/readyz", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the gateway was not ready within 30 s")


def _row(what: str, tally: Tally, seconds: float, cpu: float, process: Watched) -> Mapping[str, Cell]:
    ms = sorted(tally.ms)
    accepted = tally.statuses[b"202"]
    return {
        "what": what,
        "accepted/s": accepted / seconds,
        "CPU us/request": cpu / max(1, len(ms)) * 1e6,
        "p50 ms": quantile(ms, 0.5),
        "p99 ms": quantile(ms, 0.99),
        "max ms": ms[-1],
        "not accepted": len(ms) - accepted,
        "peak MB": process.peak_mb,
    }


def measure(port: int, process: Watched, seconds: float, connections: int) -> list[Mapping[str, Cell]]:
    """Drive the gateway as hard as it goes, then at 70 % of what it did."""
    uvloop.run(closed_loop(_HOST, port, connections=connections, seconds=3))
    cpu = process.cpu_seconds()
    tally = uvloop.run(closed_loop(_HOST, port, connections=connections, seconds=seconds))
    rows = [_row("closed loop", tally, seconds, process.cpu_seconds() - cpu, process)]
    rate = int(0.7 * tally.statuses[b"202"] / seconds)
    cpu = process.cpu_seconds()
    tally = uvloop.run(open_loop(_HOST, port, rate=rate, connections=connections, seconds=seconds))
    rows.append(_row(f"open loop, {rate}/s", tally, seconds, process.cpu_seconds() - cpu, process))
    return rows


def main(arguments: Sequence[str]) -> None:
    """Start Kafka and the gateway, the gateway alone on core 0 and all else on the others, and show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench gateway", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args(arguments)
    report = Report("gateway", {"connections": options.connections, "seconds": options.seconds})
    psutil.Process().cpu_affinity(sorted(os.sched_getaffinity(0) - {0}) or [0])
    with tempfile.TemporaryDirectory(prefix="bench-gateway-") as data, LocalKafka() as kafka:
        prefix, port = f"bench-{uuid.uuid4().hex[:8]}.", free_ports(1)[0]
        asyncio.run(create(kafka.bootstrap_servers, topics(prefix)))
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "TOPIC_PREFIX": prefix,
            "DATA_DIR": data,
            "GATEWAY_PORT": str(port),
            "LOG_LEVEL": "WARNING",
        }
        with Watched(["-m", "producer"], environment, core=0) as process:
            _await_ready(port, process)
            report.rows += measure(port, process, options.seconds, options.connections)
    report.show()
