"""How many jobs a second a job store takes in, first as requests, then as results: SQLite, or a PostgreSQL by URL."""

import argparse
import asyncio
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.job_list import example_row
from bench.report import Cell, Report, quantile
from producer.store.base import Changes, JobRow, JobStore
from producer.store.choice import job_store
from producer.store.outcomes import COMPLETED, PENDING

_AT_ONCE = 2_000


async def measure(store: JobStore, jobs: int) -> list[Mapping[str, Cell]]:
    """Write pending jobs, then their results; look some of them up, all at once and one by one."""
    await store.open()
    generation = (await store.reset(None)).generation
    ended = [example_row(number, jobs)._replace(outcome=COMPLETED) for number in range(jobs)]
    pending = [row._replace(outcome=PENDING, result=None) for row in ended]
    rows = [await _written("requests", store, generation, pending), await _written("results", store, generation, ended)]
    ms = []
    for row in ended[:: max(1, jobs // 2000)]:
        started = time.perf_counter()
        assert await store.result(uuid.UUID(bytes=row.job_id)) is not None
        ms.append((time.perf_counter() - started) * 1e3)
    ms.sort()
    rows.append({"what": "look-ups", "a second": 1e3 * len(ms) / sum(ms), "p99 ms": quantile(ms, 0.99)})
    await store.close()
    return rows


async def _written(what: str, store: JobStore, generation: str, rows: Sequence[JobRow]) -> Mapping[str, Cell]:
    ms = []
    for first in range(0, len(rows), _AT_ONCE):
        started = time.perf_counter()
        await store.apply(Changes(generation, "q", "r", {}, rows[first : first + _AT_ONCE]))
        ms.append((time.perf_counter() - started) * 1e3)
    return {"what": what, "a second": 1e3 * len(rows) / sum(ms), "p99 ms": quantile(sorted(ms), 0.99)}


def main(arguments: Sequence[str]) -> None:
    """Fill an empty store, which is EMPTIED first, and show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench stores", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--url", help="JOB_STORE_URL of a PostgreSQL database, which is emptied")
    options = parser.parse_args(arguments)
    report = Report("stores", {"jobs": options.jobs, "store": "SQLite" if options.url is None else "PostgreSQL"})
    with tempfile.TemporaryDirectory(prefix="bench-stores-") as data:
        store = job_store(options.url, Path(data) / "jobs.sqlite")
        report.rows += asyncio.run(measure(store, options.jobs))
    report.show()
