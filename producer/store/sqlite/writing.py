"""The writing side: one transaction holds the rows of many events and the positions after them."""

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Final

from producer.store.base import Bookmark, Changes, JobRow, KeyRow, Place
from producer.store.errors import StoreReplaced
from producer.store.news import news, one_each
from producer.store.outcomes import FIRST_FINAL
from producer.store.packing import pack
from producer.store.sqlite import batches
from producer.store.sqlite.buckets import JOBS_A_BUCKET, Buckets
from producer.store.sqlite.schema import transaction

_TOGETHER: Final = 128
"""Rows one statement takes: Python's lock changes hands once for all of them."""

_COLUMNS: Final = 12
_ONE: Final = f"({','.join('?' * _COLUMNS)})"
_INSERT: Final = (
    "INSERT INTO jobs(job_id, created_ms, updated_ms, outcome, county_id, property_id, batch_id, job,"
    " bucket, chunk, start, length) VALUES "
)
_UPSERT: Final = f"""
ON CONFLICT(job_id) DO UPDATE SET
    updated_ms = excluded.updated_ms, outcome = excluded.outcome, county_id = excluded.county_id,
    property_id = excluded.property_id, batch_id = coalesce(excluded.batch_id, batch_id), job = excluded.job,
    chunk = excluded.chunk, start = excluded.start, length = excluded.length
WHERE excluded.outcome >= {FIRST_FINAL} AND (outcome < {FIRST_FINAL} OR excluded.updated_ms >= updated_ms)
"""
_ROW: Final = f"{_INSERT}{_ONE}{_UPSERT}"
_ROWS: Final = f"{_INSERT}{','.join([_ONE] * _TOGETHER)}{_UPSERT}"
_POSITION: Final = """
INSERT INTO positions VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET position = max(position, excluded.position)
"""


def bookmark(connection: sqlite3.Connection) -> Bookmark:
    """Return how far the store has read."""
    generation, cluster_id = connection.execute("SELECT generation, cluster_id FROM state").fetchone()
    return Bookmark(generation, cluster_id, _positions(connection))


def apply(connection: sqlite3.Connection, changes: Changes, *, bucket_size: int = JOBS_A_BUCKET) -> None:
    """Write changes in one transaction; see ``JobStore.apply``."""
    with transaction(connection):
        generation, next_chunk = connection.execute("SELECT generation, next_chunk FROM state").fetchone()
        if generation != changes.generation:
            raise StoreReplaced("the job store was emptied by another process")
        rows = one_each(news(changes, _positions(connection)))
        batches.announce(connection, changes.batches)
        batches.count(connection, rows)
        _write_jobs(connection, rows, next_chunk, bucket_size)
        _write_keys(connection, changes.keys)
        connection.executemany(_POSITION, ((*place, position) for place, position in changes.positions.items()))


def _positions(connection: sqlite3.Connection) -> dict[Place, int]:
    found = connection.execute("SELECT topic, partition, position FROM positions")
    return {(topic, partition): position for topic, partition, position in found}


def _write_jobs(connection: sqlite3.Connection, rows: Sequence[JobRow], next_chunk: int, bucket_size: int) -> None:
    if not rows:
        return
    places, chunks = pack(rows, next_chunk)
    if chunks:
        connection.executemany("INSERT INTO chunks VALUES (?, ?, ?, ?)", chunks)
        size = sum(len(chunk.data) for chunk in chunks)
        connection.execute(
            "UPDATE state SET next_chunk = ?, result_bytes = result_bytes + ?", (next_chunk + len(chunks), size)
        )
    buckets = Buckets(connection, size=bucket_size).assign([row.created_ms for row in rows])
    bound = [(*row[:8], bucket, *place) for row, bucket, place in zip(rows, buckets, places, strict=True)]
    whole = len(bound) - len(bound) % _TOGETHER
    for first in range(0, whole, _TOGETHER):
        connection.execute(_ROWS, list(chain.from_iterable(bound[first : first + _TOGETHER])))
    connection.executemany(_ROW, bound[whole:])


def _write_keys(connection: sqlite3.Connection, keys: Sequence[KeyRow]) -> None:
    connection.executemany("INSERT OR IGNORE INTO idempotency VALUES (?, ?, ?, ?)", keys)
