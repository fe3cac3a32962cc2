"""The writing side: one transaction holds the rows of many events and the positions after them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from producer.store.base import Bookmark, Changes, JobRow, KeyRow, Place
from producer.store.errors import StoreReplaced
from producer.store.news import news, one_each
from producer.store.outcomes import FIRST_FINAL
from producer.store.packing import pack
from producer.store.postgres import batches
from producer.store.postgres.texts import storable

_JOBS: Final = """
INSERT INTO jobs(job_id, created_ms, updated_ms, outcome, county_id, property_id, batch_id, job, chunk, start, length)
SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::smallint[], $5::text[], $6::text[], $7::text[],
    $8::bytea[], $9::bigint[], $10::int[], $11::int[])
ON CONFLICT (job_id) DO UPDATE SET
    updated_ms = excluded.updated_ms, outcome = excluded.outcome, county_id = excluded.county_id,
    property_id = excluded.property_id, batch_id = coalesce(excluded.batch_id, jobs.batch_id), job = excluded.job,
    chunk = excluded.chunk, start = excluded.start, length = excluded.length
WHERE excluded.outcome >= $12
    AND (jobs.outcome < $12 OR excluded.updated_ms >= jobs.updated_ms)
"""
_POSITIONS: Final = """
INSERT INTO positions SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])
ON CONFLICT (topic, partition) DO UPDATE SET position = greatest(positions.position, excluded.position)
"""
_KEYS: Final = """
INSERT INTO idempotency SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[]) ON CONFLICT DO NOTHING
"""


async def bookmark(connection: Any) -> Bookmark:
    """Return how far the store has read."""
    state = await connection.fetchrow("SELECT generation, cluster_id FROM state")
    return Bookmark(state["generation"], state["cluster_id"], await _positions(connection))


async def apply(connection: Any, changes: Changes) -> None:
    """Write changes in one transaction; see ``JobStore.apply``."""
    async with connection.transaction():
        state = await connection.fetchrow("SELECT generation, next_chunk FROM state FOR UPDATE")
        if state["generation"] != changes.generation:
            raise StoreReplaced("the job store was emptied by another gateway")
        rows = one_each(news(changes, await _positions(connection)))
        await batches.announce(connection, changes.batches)
        await batches.count(connection, rows)
        if rows:
            await _write_jobs(connection, rows, state["next_chunk"])
        await _write_keys(connection, changes.keys)
        places = list(changes.positions)
        await connection.execute(_POSITIONS, *_columns(places, 2), [changes.positions[place] for place in places])


async def _positions(connection: Any) -> Mapping[Place, int]:
    found = await connection.fetch("SELECT topic, partition, position FROM positions")
    return {(row["topic"], row["partition"]): row["position"] for row in found}


async def _write_jobs(connection: Any, rows: Sequence[JobRow], next_chunk: int) -> None:
    places, chunks = pack(rows, next_chunk)
    if chunks:
        await connection.executemany("INSERT INTO chunks VALUES ($1, $2, $3, $4)", chunks)
        await connection.execute(
            "UPDATE state SET next_chunk = $1, result_bytes = result_bytes + $2",
            next_chunk + len(chunks),
            sum(len(chunk.data) for chunk in chunks),
        )
    columns = _columns(rows, 8)
    columns[6] = [storable(batch_id) for batch_id in columns[6]]
    await connection.execute(_JOBS, *columns, *_columns(places, 3), FIRST_FINAL)


async def _write_keys(connection: Any, keys: Sequence[KeyRow]) -> None:
    if keys:
        await connection.execute(_KEYS, *_columns(keys, 4))


def _columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Return the first columns of rows."""
    return [[row[column] for row in rows] for column in range(width)]
