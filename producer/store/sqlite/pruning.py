"""Pruning: result bodies by age and total size, jobs by age; a little at a time, so that writes go on between."""

import sqlite3
from typing import Final

from producer.store.base import Pruned, Retention
from producer.store.sqlite.schema import transaction

_CHUNKS_AT_ONCE: Final = 64
_JOBS_AT_ONCE: Final = 1000


def prune(connection: sqlite3.Connection, retention: Retention, now_ms: int) -> Pruned:
    """Remove a bounded share of what is beyond retention, oldest first, in one short transaction."""
    with transaction(connection):
        results, more_results = _prune_chunks(connection, retention, now_ms)
        jobs = _prune_jobs(connection, now_ms - retention.job_age_ms)
    return Pruned(results, jobs, more_results or jobs == _JOBS_AT_ONCE)


def _prune_chunks(connection: sqlite3.Connection, retention: Retention, now_ms: int) -> tuple[int, bool]:
    (total,) = connection.execute("SELECT result_bytes FROM state").fetchone()
    oldest = connection.execute(
        "SELECT chunk, created_ms, results, length(data) FROM chunks ORDER BY chunk LIMIT ?", (_CHUNKS_AT_ONCE,)
    ).fetchall()
    gone, freed = [], 0
    for chunk, created_ms, results, size in oldest:
        if created_ms >= now_ms - retention.result_age_ms and total - freed <= retention.result_bytes:
            break
        gone.append((chunk, results))
        freed += size
    if gone:
        connection.execute("DELETE FROM chunks WHERE chunk <= ?", (gone[-1][0],))
        connection.execute("UPDATE state SET result_bytes = result_bytes - ?", (freed,))
    return sum(results for _, results in gone), len(gone) == _CHUNKS_AT_ONCE


def _prune_jobs(connection: sqlite3.Connection, before_ms: int) -> int:
    """Remove the oldest jobs by order of arrival, up to the first that is to stay."""
    oldest = connection.execute("SELECT seq, created_ms FROM jobs ORDER BY seq LIMIT ?", (_JOBS_AT_ONCE,)).fetchall()
    gone = 0
    for seq, created_ms in oldest:
        if created_ms >= before_ms:
            break
        connection.execute("DELETE FROM jobs WHERE seq = ?", (seq,))
        gone += 1
    if gone:
        connection.execute("DELETE FROM idempotency WHERE created_ms < ?", (before_ms,))
    return gone
