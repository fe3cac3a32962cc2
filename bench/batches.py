"""Requests a second through ``POST /api/v1/valuation/batch``: until accepted, and until the job view shows them too."""

import argparse
import asyncio
import http.client
import time
from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from bench.report import Cell, Report
from bench.system import HOST, served, view_lag
from bench.watched import Watched
from producer.batching import batch_records
from producer.bulk import Bulk
from producer.posted import read_posted

_BATCH_ID: Final = "01936b6f-3c5a-7b1e-9d2e-0c1d3b6c7a10"
_KINDS: Final = {"lines": "application/x-ndjson", "array": "application/json"}


def _body(kind: str, count: int) -> bytes:
    rows = [{"property_id": f"PROP{number % 5000 + 1}", "county_id": "BENTON"} for number in range(count)]
    return orjson.dumps(rows) if kind == "array" else b"\n".join(map(orjson.dumps, rows))


def _post(port: int, kind: str, body: bytes) -> None:
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    connection.request("POST", "/api/v1/valuation/batch", body, {"Content-Type": _KINDS[kind]})
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status == 202, said[:500]
    connection.close()


def making_us(kind: str, count: int) -> float:
    """Return the CPU time in us of checking one request of a batch and making its record, without HTTP and Kafka."""

    async def made() -> None:
        posted = await read_posted(Bulk(_body(kind, count), lines=kind == "lines"), _BATCH_ID, 0, None)
        batch_records(posted.note, posted.orders)

    asyncio.run(made())
    started = time.process_time()
    asyncio.run(made())
    return (time.process_time() - started) / count * 1e6


def measure(port: int, process: Watched, kind: str, count: int, calls: int) -> Mapping[str, Cell]:
    """Post batches one after the other, then wait for the view."""
    body = _body(kind, count)
    _post(port, kind, body)
    while view_lag(port):
        time.sleep(0.05)
    cpu, started = process.cpu_seconds(), time.perf_counter()
    for _ in range(calls):
        _post(port, kind, body)
    accepted_s, accepted_cpu = time.perf_counter() - started, process.cpu_seconds() - cpu
    while view_lag(port):
        time.sleep(0.02)
    shown_s, shown_cpu = time.perf_counter() - started, process.cpu_seconds() - cpu
    made = count * calls
    return {
        "what": f"{calls} calls of {count:,}, {kind}",
        "accepted/s": made / accepted_s,
        "shown/s": made / shown_s,
        "CPU us/request until accepted": accepted_cpu / made * 1e6,
        "until shown": shown_cpu / made * 1e6,
        "of it checking and making": making_us(kind, count),
        "peak MB": process.peak_mb,
    }


def main(arguments: Sequence[str]) -> None:
    """Start Kafka and the gateway, post batches, and show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench batches", description=__doc__)
    parser.add_argument("--calls", type=int, default=6)
    parser.add_argument("--requests", type=int, default=50_000)
    options = parser.parse_args(arguments)
    report = Report("batches", {"requests a call": options.requests})
    with served() as (process, port):
        report.rows += [measure(port, process, kind, options.requests, options.calls) for kind in _KINDS]
    report.show()
