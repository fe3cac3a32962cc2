"""A gateway that is asked for twice what it can take, and one whose Kafka stands still: goodput, latency, memory.

First its peak, every one of a few connections asking again when it is answered. Then twice that on a fixed schedule
over more connections than it takes in hand, twice; then the same with the broker stopped; then its peak again.
"""

import argparse
import os
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager

import psutil
import uvloop

from bench.http_load import Tally, closed_loop, open_loop, run_request
from bench.report import Cell, Report, quantile
from bench.system import HOST, served
from bench.watched import Watched

_PEAK_CONNECTIONS = 128
_TWICE = ("", ", again")
"""What grows the first time may be what a process needs; what grows again is not."""

Load = Callable[[float], Coroutine[object, object, Tally]]
"""A load of so many seconds."""


def _row(what: str, tally: Tally, seconds: float, cpu: float, resident_mb: float) -> Mapping[str, Cell]:
    good, answered = sorted(tally.good_ms) or [0.0], sorted(tally.ms) or [0.0]
    refused = len(tally.ms) - len(tally.good_ms)
    return {
        "what": what,
        "accepted/s": len(tally.good_ms) / seconds,
        "refused/s": refused / seconds,
        "unanswered": tally.lost,
        "load behind, ms": tally.behind_ms,
        "told when, %": 100 * tally.told_when / refused if refused else None,
        "p50 ms accepted": quantile(good, 0.5),
        "p99 ms accepted": quantile(good, 0.99),
        "max ms any": answered[-1],
        "CPU us/answer": cpu / max(1, len(tally.ms)) * 1e6,
        "resident MB": resident_mb,
    }


class Overload:
    """Drives one gateway and notes what each load brought."""

    def __init__(self, port: int, process: Watched, seconds: float) -> None:
        self._port = port
        self._process = process
        self._seconds = seconds
        self._make = run_request(f"{HOST}:{port}")

    def peak(self, what: str) -> Mapping[str, Cell]:
        """Drive the gateway as hard as it goes."""
        return self._noted(
            what,
            lambda seconds: closed_loop(HOST, self._port, self._make, connections=_PEAK_CONNECTIONS, seconds=seconds),
        )

    def schedule(self, what: str, rate: int, connections: int) -> Mapping[str, Cell]:
        """Ask at a fixed rate, whatever becomes of it."""
        return self._noted(
            what,
            lambda seconds: open_loop(
                HOST, self._port, self._make, rate=rate, connections=connections, seconds=seconds
            ),
        )

    def _noted(self, what: str, load: Load) -> Mapping[str, Cell]:
        uvloop.run(load(min(2.0, self._seconds)))
        cpu = self._process.cpu_seconds()
        tally = uvloop.run(load(self._seconds))
        used = self._process.cpu_seconds() - cpu
        return _row(what, tally, self._seconds, used, self._process.resident_mb())


def measure(port: int, process: Watched, options: argparse.Namespace) -> list[Mapping[str, Cell]]:
    """Ask for the peak, for twice that, for twice that of a gateway without Kafka, and for the peak again."""
    load = Overload(port, process, options.seconds)
    rows = [load.peak("peak")]
    accepted = rows[0]["accepted/s"]
    assert isinstance(accepted, float)
    rate = int(options.times * accepted)
    twice = f"{rate:,}/s, {options.times:g} times the peak"
    rows += [load.schedule(f"{twice}{again}", rate, options.connections) for again in _TWICE]
    with _stopped_broker():
        rows += [load.schedule(f"{rate:,}/s, Kafka stopped{again}", rate, options.connections) for again in _TWICE]
    load.schedule("after it", 100, options.connections)
    return [*rows, load.peak("peak, afterwards")]


@contextmanager
def _stopped_broker() -> Iterator[None]:
    brokers = [each for each in psutil.Process().children(recursive=True) if "java" in each.name()]
    for broker in brokers:
        broker.suspend()
    try:
        yield
    finally:
        for broker in brokers:
            broker.resume()


def main(arguments: Sequence[str]) -> None:
    """Start Kafka and the gateway, the gateway alone on core 0 and all else on the others, and show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--connections", type=int, default=4_000)
    parser.add_argument("--times", type=float, default=2.0)
    options = parser.parse_args(arguments)
    report = Report("overload", {"connections": options.connections, "seconds": options.seconds})
    psutil.Process().cpu_affinity(sorted(os.sched_getaffinity(0) - {0}) or [0])
    with served(core=0) as (process, port):
        report.rows += measure(port, process, options)
    report.show()
