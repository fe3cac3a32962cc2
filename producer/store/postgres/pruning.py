"""Pruning: result bodies by age and total size, jobs by age; a little at a time, so that writes go on between."""

from typing import Any, Final

from producer.store.base import Pruned, Retention

_CHUNKS_AT_ONCE: Final = 64
_JOBS_AT_ONCE: Final = 1000


async def prune(connection: Any, retention: Retention, now_ms: int) -> Pruned:
    """Remove a bounded share of what is beyond retention, oldest first, in one short transaction."""
    async with connection.transaction():
        total = await connection.fetchval("SELECT result_bytes FROM state FOR UPDATE")
        results, more_results = await _prune_chunks(connection, retention, now_ms, total)
        jobs = await _prune_jobs(connection, now_ms - retention.job_age_ms)
    return Pruned(results, jobs, more_results or jobs == _JOBS_AT_ONCE)


async def _prune_chunks(connection: Any, retention: Retention, now_ms: int, total: int) -> tuple[int, bool]:
    oldest = await connection.fetch(
        "SELECT chunk, created_ms, results, length(data) AS size FROM chunks ORDER BY chunk LIMIT $1", _CHUNKS_AT_ONCE
    )
    gone, freed, results = [], 0, 0
    for row in oldest:
        if row["created_ms"] >= now_ms - retention.result_age_ms and total - freed <= retention.result_bytes:
            break
        gone.append(row["chunk"])
        freed += row["size"]
        results += row["results"]
    if gone:
        await connection.execute("DELETE FROM chunks WHERE chunk <= $1", gone[-1])
        await connection.execute("UPDATE state SET result_bytes = result_bytes - $1", freed)
    return results, len(gone) == _CHUNKS_AT_ONCE


async def _prune_jobs(connection: Any, before_ms: int) -> int:
    """Remove the oldest jobs by order of arrival, up to the first that is to stay."""
    oldest = await connection.fetch("SELECT seq, created_ms FROM jobs ORDER BY seq LIMIT $1", _JOBS_AT_ONCE)
    gone = []
    for row in oldest:
        if row["created_ms"] >= before_ms:
            break
        gone.append(row["seq"])
    if gone:
        await connection.execute("DELETE FROM jobs WHERE seq = ANY($1::bigint[])", gone)
        await connection.execute("DELETE FROM idempotency WHERE created_ms < $1", before_ms)
    return len(gone)
