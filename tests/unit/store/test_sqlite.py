"""What is SQLite's own: a full disk, an unreadable file, kill -9 in the middle of writing, plans that never scan."""

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from producer.store.base import Changes, JobFilter
from producer.store.errors import StoreUnavailable
from producer.store.sqlite import writing
from producer.store.sqlite.bodies import Bodies
from producer.store.sqlite.listing import Listing
from producer.store.sqlite.schema import open_writer
from producer.store.sqlite.store import SqliteStore
from schemas.reasons import FailureReason, JobStatus
from tests.unit.store.rows import REQUESTS, RESULTS, T0, Jobs, positions_after, uuid_of, write
from tests.waiting import until


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore(tmp_path / "jobs.sqlite")
    await made.open()
    yield made
    await made.close()


async def test_a_full_disk_changes_nothing_and_passes_when_there_is_room(store: SqliteStore) -> None:
    jobs = Jobs()
    first = jobs.requested()
    await write(store, first)
    before = await store.bookmark()
    writer = store._writer
    assert writer is not None
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages + 3}")
    many = [jobs.ended(result=os.urandom(3000)) for _ in range(200)]
    with pytest.raises(StoreUnavailable, match="full"):
        await write(store, *many)
    assert await store.bookmark() == before
    assert await store.job(uuid_of(first)) == first.job
    assert await store.job(uuid_of(many[0])) is None
    writer.execute("PRAGMA max_page_count = 1000000")
    await write(store, *many)
    assert await store.job(uuid_of(many[0])) == many[0].job


async def test_a_file_that_is_no_database_is_set_aside_and_a_new_one_made(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(b"this is no database, " * 500)
    store = SqliteStore(path)
    await store.open()
    await write(store, Jobs().requested())
    assert (await store.jobs(JobFilter())).count == 1
    await store.close()
    assert path.with_name("jobs.sqlite.unreadable").read_bytes().startswith(b"this is no database")


async def test_a_file_of_another_version_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with sqlite3.connect(path) as old:
        old.execute("PRAGMA user_version = 99")
    old.close()
    store = SqliteStore(path)
    await store.open()
    assert (await store.jobs(JobFilter())).count == 0
    await store.close()
    assert path.with_name("jobs.sqlite.unreadable").exists()


async def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await SqliteStore(tmp_path / "file" / "jobs.sqlite").open()


async def test_a_store_that_is_not_open_says_so() -> None:
    with pytest.raises(StoreUnavailable, match="not open"):
        await SqliteStore(Path("nowhere")).job(uuid4())


async def test_two_processes_may_share_the_file(tmp_path: Path) -> None:
    one, other = SqliteStore(tmp_path / "jobs.sqlite"), SqliteStore(tmp_path / "jobs.sqlite")
    await one.open()
    await other.open()
    jobs = Jobs()
    rows = [jobs.ended(batch_id="b") for _ in range(100)]
    mark = await one.bookmark()

    async def follow(store: SqliteStore, step: int) -> None:
        for first in range(0, len(rows), step):
            some = rows[first : first + step]
            await store.apply(Changes(mark.generation, REQUESTS, RESULTS, positions_after(some), some))

    await asyncio.gather(follow(one, 7), follow(other, 11))
    assert (await one.jobs(JobFilter(limit=1000))).count == 100
    batch = await other.batch("b")
    assert batch is not None
    assert (batch.published, batch.completed) == (100, 100)
    await one.close()
    await other.close()


_WRITER = """
import asyncio, sys
from pathlib import Path
from producer.store.base import Changes
from producer.store.sqlite.store import SqliteStore
from tests.unit.store.rows import REQUESTS, RESULTS, Jobs, positions_after

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await store.open()
    mark = await store.bookmark()
    jobs = Jobs()
    while True:
        rows = [jobs.ended(batch_id="b") for _ in range(50)]
        await store.apply(Changes(mark.generation, REQUESTS, RESULTS, positions_after(rows), rows))

asyncio.run(main())
"""


async def test_kill_9_in_the_middle_of_writing_leaves_rows_counters_and_positions_in_agreement(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    await asyncio.to_thread(_write_until_killed, path)
    store = SqliteStore(path)
    await store.open()
    batch = await store.batch("b")
    assert batch is not None
    position = (await store.bookmark()).positions[RESULTS, 0]
    assert batch.completed == position > 0
    found = await asyncio.to_thread(_count, path)
    assert found == position
    await store.close()


def _write_until_killed(path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)])
    log = path.with_name("jobs.sqlite-wal")
    try:
        until(lambda: log.exists() and log.stat().st_size > 1_000_000)
    finally:
        writer.kill()
        writer.wait()


def _count(path: Path) -> int:
    connection = sqlite3.connect(path)
    (number,) = connection.execute("SELECT count(*) FROM jobs").fetchone()
    connection.close()
    return int(number)


@pytest.mark.parametrize("status", [None, *JobStatus])
@pytest.mark.parametrize("reason", [None, FailureReason.INVALID_REQUEST])
async def test_no_listing_scans_or_sorts(
    tmp_path: Path, status: JobStatus | None, reason: FailureReason | None
) -> None:
    """Every statement of every listing goes by an index; only the page itself (by number) may be sorted."""
    connection = open_writer(tmp_path / "jobs.sqlite")
    jobs = Jobs()
    rows = [jobs.ended(batch_id="b", created_ms=T0 + n) for n in range(40)]
    mark = writing.bookmark(connection)
    changes = Changes(mark.generation, REQUESTS, RESULTS, positions_after(rows), rows)
    writing.apply(connection, changes, bucket_size=8)
    seen: set[str] = set()
    connection.set_trace_callback(seen.add)
    for county in (None, "BENTON"):
        for prop in (None, "PROP123"):
            for batch in (None, "b"):
                wanted = JobFilter(county, prop, status, reason, batch, T0, limit=10)
                Listing(connection, Bodies(connection), wanted).page(results=False)
    connection.set_trace_callback(None)
    for statement in seen:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
        scans = [step for step in plan if re.match(r"SCAN (?!state|buckets|\(?subquery)", step)]
        assert not scans, (statement, plan)
        if "seq IN" not in statement and "buckets" not in statement:
            assert not [step for step in plan if "TEMP B-TREE" in step], (statement, plan)
    connection.close()


async def test_small_buckets_list_the_same_as_one_large_one(tmp_path: Path) -> None:
    jobs = Jobs()
    rows = [jobs.requested(created_ms=T0 + (n * 7) % 100, property_id=f"P{n % 3}") for n in range(200)]
    pages = []
    for size in (5, 10_000):
        connection = open_writer(tmp_path / f"{size}.sqlite")
        generation = writing.bookmark(connection).generation
        for first in range(0, len(rows), 20):
            some = rows[first : first + 20]
            changes = Changes(generation, REQUESTS, RESULTS, positions_after(some), some)
            writing.apply(connection, changes, bucket_size=size)
        wanted = JobFilter(property_id="P1", limit=1000)
        pages.append(Listing(connection, Bodies(connection), wanted).page(results=False).items)
        (buckets,) = connection.execute("SELECT count(*) FROM buckets").fetchone()
        assert (buckets > 1) == (size == 5)
        connection.close()
    assert pages[0] == pages[1]
