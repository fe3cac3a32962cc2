"""Accepted requests a second through one gateway process on one core, ``acks=all``, job view on; then its latency.

The first row is an answer that costs nothing but HTTP: it tells how fast the machine is at the moment.
"""

import argparse
import os
from collections.abc import Mapping, Sequence

import psutil
import uvloop

from bench.http_load import Make, Tally, closed_loop, live_request, open_loop, run_request
from bench.report import Cell, Report, quantile
from bench.system import HOST, served
from bench.watched import Watched


def _row(what: str, tally: Tally, seconds: float, cpu: float, process: Watched) -> Mapping[str, Cell]:
    ms = sorted(tally.ms)
    good = sum(count for status, count in tally.statuses.items() if status.startswith(b"2"))
    return {
        "what": what,
        "answers/s": good / seconds,
        "CPU us/request": cpu / max(1, len(ms)) * 1e6,
        "p50 ms": quantile(ms, 0.5),
        "p99 ms": quantile(ms, 0.99),
        "max ms": ms[-1],
        "refused": len(ms) - good,
        "peak MB": process.peak_mb,
    }


def measure(port: int, process: Watched, seconds: float, connections: int) -> list[Mapping[str, Cell]]:
    """Drive the gateway as hard as it goes, then at 70 % of what it did."""
    host = f"{HOST}:{port}"

    def closed(what: str, make: Make) -> Mapping[str, Cell]:
        uvloop.run(closed_loop(HOST, port, make, connections=connections, seconds=2))
        cpu = process.cpu_seconds()
        tally = uvloop.run(closed_loop(HOST, port, make, connections=connections, seconds=seconds))
        return _row(what, tally, seconds, process.cpu_seconds() - cpu, process)

    rows = [
        closed("GET livez, closed loop", live_request(host)),
        closed("run with own job ids, closed loop", run_request(host, named=True)),
        closed("run, closed loop", run_request(host)),
    ]
    accepted = rows[-1]["answers/s"]
    assert isinstance(accepted, float)
    rate, cpu = int(0.7 * accepted), process.cpu_seconds()
    load = open_loop(HOST, port, run_request(host), rate=rate, connections=connections, seconds=seconds)
    return [*rows, _row(f"run, {rate}/s", uvloop.run(load), seconds, process.cpu_seconds() - cpu, process)]


def main(arguments: Sequence[str]) -> None:
    """Start Kafka and the gateway, the gateway alone on core 0 and all else on the others, and show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench gateway", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args(arguments)
    report = Report("gateway", {"connections": options.connections, "seconds": options.seconds})
    psutil.Process().cpu_affinity(sorted(os.sched_getaffinity(0) - {0}) or [0])
    with served(core=0) as (process, port):
        report.rows += measure(port, process, options.seconds, options.connections)
    report.show()
