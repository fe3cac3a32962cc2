"""What every job store promises about listings: the right jobs, newest first, each exactly once over all pages."""

import random
from collections.abc import Sequence
from itertools import product
from typing import Any

import orjson
import pytest

from producer.store.base import JobFilter, JobRow, JobStore
from producer.store.errors import BadCursor
from producer.store.outcomes import COMPLETED, FAILED, FIRST_FINAL, reason_of
from schemas.reasons import FailureReason, JobStatus
from tests.unit.store.rows import T0, Jobs, uuid_of, write

COUNTIES = (None, "BENTON", "KING", "NOWHERE")
PROPERTIES = (None, "P1", "P2")
BATCHES = (None, "b1")
STATUSES = (None, JobStatus.PENDING, JobStatus.COMPLETED, JobStatus.FAILED)
REASONS = (None, FailureReason.PROPERTY_NOT_FOUND)
AFTER = (None, T0 + 20)


async def listed(store: JobStore, wanted: JobFilter, **options: Any) -> list[dict[str, Any]]:
    """Read every page of a listing."""
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await store.jobs(_with(wanted, cursor), **options)
        found = orjson.loads(page.items)
        assert len(found) == page.count <= wanted.limit
        items += found
        cursor = page.next
        if cursor is None:
            return items


def _with(wanted: JobFilter, cursor: str | None) -> JobFilter:
    names = ("county_id", "property_id", "status", "failure_reason", "batch_id", "created_after_ms", "limit")
    return JobFilter(**{name: getattr(wanted, name) for name in names}, cursor=cursor)


def matches(row: JobRow, wanted: JobFilter) -> bool:
    reason = reason_of(row.outcome) if row.outcome >= FAILED else None
    status = {0: JobStatus.PENDING, COMPLETED: JobStatus.COMPLETED}.get(row.outcome, JobStatus.FAILED)
    return (
        wanted.county_id in {None, row.county_id}
        and wanted.property_id in {None, row.property_id}
        and wanted.batch_id in {None, row.batch_id}
        and wanted.status in {None, status}
        and wanted.failure_reason in {None, reason}
        and (wanted.created_after_ms is None or row.created_ms > wanted.created_after_ms)
    )


def a_mixture(size: int) -> list[JobRow]:
    chance = random.Random(7)  # noqa: S311 - test data
    jobs = Jobs()
    rows = []
    for _ in range(size):
        where: dict[str, Any] = {
            "created_ms": T0 + chance.randrange(40),
            "county_id": chance.choice(("BENTON", "KING")),
            "property_id": chance.choice(("P1", "P2", "P3")),
            "batch_id": chance.choice((None, "b1", "b2")),
        }
        kind = chance.choice(("pending", None, "property_not_found", "insufficient_data"))
        rows.append(jobs.requested(**where) if kind == "pending" else jobs.ended(reason=kind, **where))
    return rows


async def test_every_filter_finds_the_jobs_it_names_newest_first(store: JobStore) -> None:
    rows = a_mixture(300)
    for first in range(0, len(rows), 60):
        await write(store, *rows[first : first + 60])
    for county, prop, batch, status, reason, after in product(COUNTIES, PROPERTIES, BATCHES, STATUSES, REASONS, AFTER):
        wanted = JobFilter(county, prop, status, reason, batch, after, limit=37)
        items = await listed(store, wanted)
        expected = {str(uuid_of(row)) for row in rows if matches(row, wanted)}
        assert [item["job_id"] for item in items if item["job_id"] not in expected] == []
        assert len(items) == len(expected), wanted
        created = [item["created_at"] for item in items]
        assert created == sorted(created, reverse=True)


async def test_a_page_boundary_within_one_instant_loses_and_doubles_nothing(store: JobStore) -> None:
    jobs = Jobs()
    rows = [jobs.requested() for _ in range(25)]
    await write(store, *rows)
    items = await listed(store, JobFilter(limit=4))
    assert sorted(item["job_id"] for item in items) == sorted(str(uuid_of(row)) for row in rows)


async def test_jobs_that_arrive_while_paging_do_not_disturb_the_pages(store: JobStore) -> None:
    jobs = Jobs()
    old = [jobs.requested(created_ms=T0 + n) for n in range(10)]
    await write(store, *old)
    first = await store.jobs(JobFilter(limit=4))
    await write(store, *(jobs.requested(created_ms=T0 + 100 + n) for n in range(10)))
    second = await store.jobs(JobFilter(limit=6, cursor=first.next))
    assert second.next is None
    seen = [*orjson.loads(first.items), *orjson.loads(second.items)]
    assert [item["job_id"] for item in seen] == [str(uuid_of(row)) for row in reversed(old)]


async def test_a_listing_can_bring_the_results(store: JobStore) -> None:
    jobs = Jobs()
    rows = [jobs.ended(created_ms=T0 + n, result=b'{"n":%d}' % n) for n in range(3)]
    await write(store, *rows, jobs.requested(created_ms=T0 + 9))
    items = await listed(store, JobFilter(), results=True)
    assert [item["result"] for item in items] == [None, {"n": 2}, {"n": 1}, {"n": 0}]


async def test_jobs_of_an_older_time_that_arrive_late_are_listed_in_their_place(store: JobStore) -> None:
    jobs = Jobs()
    await write(store, jobs.requested(created_ms=T0 + 50), jobs.requested(created_ms=T0 + 60))
    await write(store, jobs.requested(created_ms=T0 + 10), jobs.requested(created_ms=T0 + 55))
    created = [item["created_at"][-4:-1] for item in await listed(store, JobFilter(property_id="PROP123", limit=1))]
    assert created == ["060", "055", "050", "010"]


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_out_of_bounds_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="limit"):
        JobFilter(limit=limit)


def tampered(cursor: str) -> Sequence[str]:
    return ["", "x", cursor[:-5], cursor + "AAAA", cursor.swapcase(), "A" * len(cursor), "é" * 8]


async def test_an_altered_cursor_is_refused(store: JobStore) -> None:
    jobs = Jobs()
    await write(store, *(jobs.requested() for _ in range(3)))
    cursor = (await store.jobs(JobFilter(limit=1))).next
    assert cursor is not None
    for wrong in tampered(cursor):
        with pytest.raises(BadCursor):
            await store.jobs(JobFilter(limit=1, cursor=wrong))
    with pytest.raises(ValueError, match="cursor"):
        await store.jobs(JobFilter(limit=1, county_id="KING", cursor=cursor))


async def test_final_rows_only_are_completed_or_failed(store: JobStore) -> None:
    rows = a_mixture(40)
    await write(store, *rows)
    items = await listed(store, JobFilter(status=JobStatus.PENDING))
    assert len(items) == sum(row.outcome < FIRST_FINAL for row in rows)
