"""Batch counters: how many jobs of each batch stand how, moved in the transaction that moves the jobs."""

from collections.abc import Sequence
from typing import Any, Final

from producer.store.base import BatchCounts, JobRow, NewBatch
from producer.store.news import Standing, moves
from producer.store.outcomes import COMPLETED, FAILED, FIRST_FINAL, reason_of
from producer.store.postgres.texts import storable

_ANNOUNCE: Final = """
INSERT INTO batches(batch_id, kind, county_id, total, created_ms, updated_ms, parameters)
VALUES ($1, $2, $3, $4, $5, $5, $6)
ON CONFLICT (batch_id) DO UPDATE SET kind = excluded.kind, county_id = excluded.county_id,
    total = coalesce(excluded.total, batches.total), created_ms = least(batches.created_ms, excluded.created_ms),
    parameters = coalesce(excluded.parameters, batches.parameters)
"""
_UNANNOUNCED: Final = """
INSERT INTO batches(batch_id, kind, county_id, created_ms, updated_ms) VALUES ($1, 'batch', $2, $3, $3)
ON CONFLICT DO NOTHING
"""
_COUNT: Final = """
INSERT INTO batch_outcomes VALUES ($1, $2, $3)
ON CONFLICT (batch_id, outcome) DO UPDATE SET jobs = batch_outcomes.jobs + excluded.jobs
"""
_TOUCH: Final = """
UPDATE batches SET updated_ms = greatest(updated_ms, $2), first_result_ms = least(first_result_ms, $3)
WHERE batch_id = $1
"""
_READ: Final = """
SELECT b.*, (SELECT coalesce(array_agg(ARRAY[outcome, jobs]), '{}') FROM batch_outcomes o
    WHERE o.batch_id = b.batch_id) AS outcomes FROM batches b
"""


async def announce(connection: Any, batches: Sequence[NewBatch]) -> None:
    """Write what is known of batches; what was known before and is not said now stays."""
    for batch in batches:
        await connection.execute(
            _ANNOUNCE,
            storable(batch.batch_id),
            batch.kind,
            storable(batch.county_id),
            batch.total,
            batch.created_ms,
            batch.parameters,
        )


async def count(connection: Any, rows: Sequence[JobRow]) -> None:
    """Count the batches' jobs by how they stand after ``rows``; to be called before the rows are written."""
    tagged = [row._replace(batch_id=storable(row.batch_id)) for row in rows if row.batch_id is not None]
    if not tagged:
        return
    found = await connection.fetch(
        "SELECT job_id, batch_id, outcome, updated_ms FROM jobs WHERE job_id = ANY($1::bytea[])",
        [row.job_id for row in tagged],
    )
    before: dict[bytes, Standing] = {
        row["job_id"]: (row["batch_id"], row["outcome"], row["updated_ms"]) for row in found
    }
    moved = moves(tagged, before)
    for batch_id, rows_of_it in moved.rows.items():
        first = rows_of_it[0]
        await connection.execute(_UNANNOUNCED, batch_id, first.county_id, first.created_ms)
        ended = [row.updated_ms for row in rows_of_it if row.outcome >= FIRST_FINAL]
        latest = max(row.updated_ms for row in rows_of_it)
        await connection.execute(_TOUCH, batch_id, latest, min(ended, default=None))
    await connection.executemany(_COUNT, [(*place, number) for place, number in moved.jobs.items() if number])


async def one(connection: Any, batch_id: str) -> BatchCounts | None:
    """Return one batch, None where unknown."""
    found = await connection.fetchrow(f"{_READ} WHERE batch_id = $1", storable(batch_id))
    return None if found is None else _counts(found)


async def newest(
    connection: Any, county_id: str | None, limit: int, before: tuple[int, int]
) -> list[tuple[tuple[int, int], BatchCounts]]:
    """Return the batches created before a place (creation time, number), newest first, each with its own place."""
    found = await connection.fetch(
        f"{_READ} WHERE (created_ms, number) < ($1, $2) AND ($4::text IS NULL OR county_id = $4)"
        " ORDER BY created_ms DESC, number DESC LIMIT $3",
        *before,
        limit,
        storable(county_id),
    )
    return [((row["created_ms"], row["number"]), _counts(row)) for row in found]


async def cancel(connection: Any, batch_id: str, now_ms: int) -> BatchCounts | None:
    """Mark a batch cancelled unless it has completed, within the open transaction."""
    await connection.execute("SELECT 1 FROM state FOR UPDATE")
    batch = await one(connection, batch_id)
    if batch is None or batch.state == "COMPLETED":
        return batch
    await connection.execute(
        "UPDATE batches SET cancelled = true, updated_ms = greatest(updated_ms, $2) WHERE batch_id = $1",
        storable(batch_id),
        now_ms,
    )
    return await one(connection, batch_id)


def _counts(row: Any) -> BatchCounts:
    jobs: dict[int, int] = {int(outcome): int(number) for outcome, number in row["outcomes"]}
    return BatchCounts(
        batch_id=row["batch_id"],
        kind=row["kind"],
        county_id=row["county_id"],
        total=row["total"],
        published=sum(jobs.values()),
        completed=jobs.get(COMPLETED, 0),
        failed_by_reason={reason_of(code): number for code, number in jobs.items() if code >= FAILED and number},
        cancelled=row["cancelled"],
        created_ms=row["created_ms"],
        updated_ms=row["updated_ms"],
        first_result_ms=row["first_result_ms"],
        parameters=row["parameters"],
    )
