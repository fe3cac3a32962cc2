"""How long status, results and the job list take over HTTP with many jobs in the embedded store."""

import argparse
import asyncio
import random
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import uvloop

from bench.http_load import Make, closed_loop
from bench.report import Cell, Report, quantile
from bench.system import HOST, served
from producer.ids import new_job_id
from producer.store.base import Changes, JobRow
from producer.store.outcomes import COMPLETED, PENDING, final_code
from producer.store.sqlite.store import SqliteStore

_COUNTIES: Final = ("BENTON", "KING", "YAKIMA", "FRANKLIN", "SPOKANE")
_PROPERTIES: Final = 200_000
_BATCHES: Final = 20
_AT_ONCE: Final = 5_000
_FAILED: Final = final_code("FAILED", "property_not_found")


_BODY: Final = b'{"x":"' + random.Random(5).randbytes(700).hex().encode() + b'"}'  # noqa: S311 - the same each time


def example_row(number: int, jobs: int) -> JobRow:
    """Return one of so many jobs; most are completed, some failed, the newest pending, half of them of batches."""
    created = 1_795_000_000_000 + number * 3
    job_id = new_job_id(created)
    outcome = PENDING if number > jobs * 0.98 else _FAILED if number % 50 == 0 else COMPLETED
    county, batch = _COUNTIES[number % len(_COUNTIES)], f"batch-{number * _BATCHES // jobs}"
    property_id = f"P{number * 7919 % _PROPERTIES}"
    job = f'{{"job_id":"{job_id}","property_id":"{property_id}","county_id":"{county}"}}'.encode() + b" " * 300
    return JobRow(
        uuid.UUID(job_id).bytes, created, created + 20, outcome, county, property_id,
        batch if number % 2 else None, job, _BODY if outcome == COMPLETED else None, number % 12, number,
    )  # fmt: skip


async def fill(path: Path, jobs: int) -> list[str]:
    """Write jobs to a store; returns some of their ids."""
    store = SqliteStore(path)
    await store.open()
    generation, ids = (await store.bookmark()).generation, []
    for first in range(0, jobs, _AT_ONCE):
        rows = [example_row(number, jobs) for number in range(first, min(first + _AT_ONCE, jobs))]
        ids += [str(uuid.UUID(bytes=row.job_id)) for row in rows[::50]]
        await store.apply(Changes(generation, "q", "r", {}, rows))
    await store.close()
    return ids


def _get(host: str, paths: Sequence[str]) -> Make:
    return lambda number: f"GET {paths[number % len(paths)]} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def _paths(ids: list[str]) -> Mapping[str, Sequence[str]]:
    chance, base = random.Random(11), "/api/v1/valuation"  # noqa: S311 - the same questions each time
    chance.shuffle(ids)
    jobs = f"{base}/jobs"
    return {
        "status": [f"{base}/status/{job_id}" for job_id in ids],
        "results": [f"{base}/results/{job_id}" for job_id in ids],
        "jobs": [jobs],
        "jobs of a county": [f"{jobs}?county_id={county}" for county in _COUNTIES],
        "jobs of a property": [f"{jobs}?property_id=P{chance.randrange(_PROPERTIES)}" for _ in range(5000)],
        "failed jobs": [f"{jobs}?status=FAILED"],
        "failed jobs of a batch": [f"{jobs}?status=FAILED&batch_id=batch-{number}" for number in range(_BATCHES)],
        "1,000 jobs a page": [f"{jobs}?limit=1000"],
    }


def main(arguments: Sequence[str]) -> None:
    """Fill a store, start a gateway on it, and show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench job_list", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--connections", type=int, default=4)
    options = parser.parse_args(arguments)
    report = Report("job_list", {"jobs": options.jobs, "connections": options.connections})
    with tempfile.TemporaryDirectory(prefix="bench-jobs-") as data:
        started = time.perf_counter()
        ids = asyncio.run(fill(Path(data) / "gateway" / "jobs.sqlite", options.jobs))
        print(f"{options.jobs:,} jobs written in {time.perf_counter() - started:.0f} s")
        with served(more={"DATA_DIR": data}) as (_, port):
            report.rows += [_measure(port, what, paths, options) for what, paths in _paths(ids).items()]
    report.show()


def _measure(port: int, what: str, paths: Sequence[str], options: argparse.Namespace) -> Mapping[str, Cell]:
    load = closed_loop(
        HOST, port, _get(f"{HOST}:{port}", paths), connections=options.connections, seconds=options.seconds
    )
    tally = uvloop.run(load)
    ms = sorted(tally.ms)
    assert set(tally.statuses) == {b"200"}, tally.statuses
    return {
        "what": what,
        "answers/s": len(ms) / options.seconds,
        "p50 ms": quantile(ms, 0.5),
        "p99 ms": quantile(ms, 0.99),
        "max ms": ms[-1],
    }
