"""Batch counters: how many jobs of each batch stand how, moved in the transaction that moves the jobs."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from producer.store.base import BatchCounts, JobRow, NewBatch
from producer.store.news import Moves, Standing, moves
from producer.store.outcomes import COMPLETED, FAILED, FIRST_FINAL, reason_of

_ASKED_AT_ONCE: Final = 500

_UPSERT: Final = """
INSERT INTO batches(batch_id, kind, county_id, total, created_ms, updated_ms, parameters) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(batch_id) DO UPDATE SET kind = excluded.kind, county_id = excluded.county_id,
    total = coalesce(excluded.total, total), created_ms = min(created_ms, excluded.created_ms),
    parameters = coalesce(excluded.parameters, parameters)
"""
_UNANNOUNCED: Final = """
INSERT OR IGNORE INTO batches(batch_id, kind, county_id, created_ms, updated_ms) VALUES (?, 'batch', ?, ?, ?)
"""
_COUNT: Final = """
INSERT INTO batch_outcomes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs
"""
_TOUCH: Final = """
UPDATE batches SET updated_ms = max(updated_ms, ?),
    first_result_ms = CASE WHEN ? IS NULL THEN first_result_ms ELSE min(coalesce(first_result_ms, ?2), ?2) END
WHERE batch_id = ?
"""
_READ: Final = """
SELECT batch_id, kind, county_id, total, cancelled, created_ms, updated_ms, first_result_ms, parameters, number
FROM batches
"""


def announce(connection: sqlite3.Connection, batches: Iterable[NewBatch]) -> None:
    """Write what is known of batches; what was known before and is not said now stays."""
    connection.executemany(
        _UPSERT,
        (
            (batch.batch_id, batch.kind, batch.county_id, batch.total, batch.created_ms, batch.created_ms,
             batch.parameters)
            for batch in batches
        ),
    )  # fmt: skip


def count(connection: sqlite3.Connection, rows: Sequence[JobRow]) -> None:
    """Count the batches' jobs by how they stand after ``rows``; to be called before the rows are written."""
    tagged = [row for row in rows if row.batch_id is not None]
    if tagged:
        before = dict(_standing(connection, [row.job_id for row in tagged]))
        _write(connection, moves(tagged, before))


def _standing(connection: sqlite3.Connection, job_ids: Sequence[bytes]) -> Iterator[tuple[bytes, Standing]]:
    for first in range(0, len(job_ids), _ASKED_AT_ONCE):
        asked = job_ids[first : first + _ASKED_AT_ONCE]
        marks = ",".join("?" * len(asked))
        found = connection.execute(
            f"SELECT job_id, batch_id, outcome, updated_ms FROM jobs WHERE job_id IN ({marks})",  # noqa: S608 - marks
            asked,
        )
        yield from ((job_id, (batch_id, outcome, updated)) for job_id, batch_id, outcome, updated in found)


def _write(connection: sqlite3.Connection, moved: Moves) -> None:
    connection.executemany(
        _UNANNOUNCED,
        (
            (batch_id, rows[0].county_id, rows[0].created_ms, rows[0].created_ms)
            for batch_id, rows in moved.rows.items()
        ),
    )
    connection.executemany(_COUNT, ((*place, number) for place, number in moved.jobs.items() if number))
    for batch_id, rows in moved.rows.items():
        ended = [row.updated_ms for row in rows if row.outcome >= FIRST_FINAL]
        latest = max(row.updated_ms for row in rows)
        connection.execute(_TOUCH, (latest, min(ended, default=None), batch_id))


def one(connection: sqlite3.Connection, batch_id: str) -> BatchCounts | None:
    """Return one batch, None where unknown."""
    found = connection.execute(f"{_READ} WHERE batch_id = ?", (batch_id,)).fetchone()
    return None if found is None else _counts(connection, found)


def newest(
    connection: sqlite3.Connection, county_id: str | None, limit: int, before: tuple[int, int]
) -> list[tuple[tuple[int, int], BatchCounts]]:
    """Return the batches created before a place (creation time, number), newest first, each with its own place."""
    county, of_county = ("", ()) if county_id is None else (" AND county_id = ?", (county_id,))
    found = connection.execute(
        f"{_READ} WHERE (created_ms, number) < (?, ?){county} ORDER BY created_ms DESC, number DESC LIMIT ?",
        (*before, *of_county, limit),
    ).fetchall()
    return [((row[5], row[9]), _counts(connection, row)) for row in found]


def cancel(connection: sqlite3.Connection, batch_id: str, now_ms: int) -> BatchCounts | None:
    """Mark a batch cancelled unless it has completed."""
    batch = one(connection, batch_id)
    if batch is None or batch.state == "COMPLETED":
        return batch
    connection.execute(
        "UPDATE batches SET cancelled = 1, updated_ms = max(updated_ms, ?) WHERE batch_id = ?", (now_ms, batch_id)
    )
    return one(connection, batch_id)


def _counts(connection: sqlite3.Connection, row: tuple[Any, ...]) -> BatchCounts:
    batch_id, kind, county_id, total, cancelled, created_ms, updated_ms, first_result_ms, parameters, _ = row
    jobs: dict[int, int] = dict(
        connection.execute("SELECT outcome, jobs FROM batch_outcomes WHERE batch_id = ?", (batch_id,)).fetchall()
    )
    return BatchCounts(
        batch_id=batch_id,
        kind=kind,
        county_id=county_id,
        total=total,
        published=sum(jobs.values()),
        completed=jobs.get(COMPLETED, 0),
        failed_by_reason={reason_of(code): number for code, number in jobs.items() if code >= FAILED and number},
        cancelled=bool(cancelled),
        created_ms=created_ms,
        updated_ms=updated_ms,
        first_result_ms=first_result_ms,
        parameters=parameters,
    )
