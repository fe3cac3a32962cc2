"""The PostgreSQL job store as the gateway uses it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import asyncpg

from producer.store.base import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    BatchCounts,
    BatchPage,
    Bookmark,
    Changes,
    JobFilter,
    NewBatch,
    Page,
    Pruned,
    Retention,
)
from producer.store.cursor import Cursors, End
from producer.store.documents import with_result
from producer.store.errors import StoreUnavailable
from producer.store.lookups import Lookups
from producer.store.packing import BodyPlace, Unpacked
from producer.store.postgres import batches, listing, schema, writing
from producer.store.postgres.pruning import prune

_CONNECTIONS: Final = 4
_STATEMENT_S: Final = 10.0
_CONNECT_S: Final = 5.0


class PostgresStore:
    """Jobs in a PostgreSQL database that several gateways share.

    Args:
        url: ``postgresql://…`` as libpq reads it.
        schema_name: where the tables lie; made if it is not there.
    """

    def __init__(self, url: str, schema_name: str = schema.SCHEMA) -> None:
        self._url = url
        self._schema = schema_name
        self._pool: Any = None
        self._unpacked = Unpacked()
        self._jobs = Lookups(self._find_jobs)
        self._results = Lookups(self._find_results)

    async def open(self) -> None:
        """Connect, and make the tables where they are not there yet."""
        if self._pool is None:
            async with _translated():
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=0,
                    max_size=_CONNECTIONS,
                    command_timeout=_STATEMENT_S,
                    timeout=_CONNECT_S,
                    server_settings={"search_path": f'"{self._schema}"', "application_name": "terrafusion-gateway"},
                )
        async with self._connection() as connection:
            await schema.create(connection, self._schema)

    async def close(self) -> None:
        """Give up the connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(_CONNECT_S):
                    await pool.close()
            except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                pool.terminate()

    async def job(self, job_id: UUID) -> bytes | None:
        """Return a job object."""
        return await self._jobs.find(job_id.bytes)

    async def result(self, job_id: UUID) -> bytes | None:
        """Return a job object with its result."""
        return await self._results.find(job_id.bytes)

    async def jobs(self, wanted: JobFilter, *, results: bool = False) -> Page:
        """List jobs, newest first."""
        async with self._connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            cursors = Cursors(await _generation(connection), wanted.listing)
            start = listing.START if wanted.cursor is None else cursors.read(wanted.cursor)
            found = await listing.keys(connection, wanted, start, wanted.limit + 1)
            page = found[: wanted.limit]
            items = await self._items(connection, page, results=results)
        after = cursors.write(page[-1]) if len(found) > wanted.limit else None
        return Page(b"[%b]" % b",".join(items), len(items), after)

    async def idempotency(self, key_id: UUID) -> tuple[UUID, bytes] | None:
        """Return the job and the fingerprint of a key."""
        async with self._connection() as connection:
            found = await connection.fetchrow(
                "SELECT job_id, fingerprint FROM idempotency WHERE key_id = $1", key_id.bytes
            )
        return None if found is None else (UUID(bytes=found["job_id"]), found["fingerprint"])

    async def batch(self, batch_id: str) -> BatchCounts | None:
        """Return one batch."""
        async with self._connection() as connection:
            return await batches.one(connection, batch_id)

    async def batches(
        self, *, county_id: str | None = None, limit: int = DEFAULT_LIMIT, cursor: str | None = None
    ) -> BatchPage:
        """List batches, newest first."""
        if not 1 <= limit <= MAX_LIMIT:
            raise ValueError(f"limit must be 1 to {MAX_LIMIT}")
        async with self._connection() as connection:
            cursors = Cursors(await _generation(connection), ("batches", county_id))
            start = listing.START if cursor is None else cursors.read(cursor)
            found = await batches.newest(connection, county_id, limit + 1, (start.created_ms, start.number))
        page = found[:limit]
        after = cursors.write(End(*page[-1][0])) if len(found) > limit else None
        return BatchPage([batch for _, batch in page], after)

    async def create_batch(self, batch: NewBatch) -> None:
        """Announce a batch."""
        async with self._connection() as connection:
            await batches.announce(connection, [batch])

    async def cancel_batch(self, batch_id: str, *, now_ms: int) -> BatchCounts | None:
        """Mark a batch cancelled unless it has completed."""
        async with self._connection() as connection, connection.transaction():
            return await batches.cancel(connection, batch_id, now_ms)

    async def bookmark(self) -> Bookmark:
        """Return how far the store has read."""
        async with self._connection() as connection:
            return await writing.bookmark(connection)

    async def apply(self, changes: Changes) -> None:
        """Write events and positions in one transaction."""
        async with self._connection() as connection:
            await writing.apply(connection, changes)

    async def reset(self, cluster_id: str | None) -> Bookmark:
        """Forget everything."""
        async with self._connection() as connection:
            async with connection.transaction():
                await schema.empty(connection, cluster_id)
            return await writing.bookmark(connection)

    async def adopt(self, cluster_id: str) -> None:
        """Note the cluster where none was noted."""
        async with self._connection() as connection:
            await connection.execute("UPDATE state SET cluster_id = $1 WHERE cluster_id IS NULL", cluster_id)

    async def prune(self, retention: Retention, *, now_ms: int) -> Pruned:
        """Remove a bounded share of what is beyond retention."""
        async with self._connection() as connection:
            return await prune(connection, retention, now_ms)

    async def _find_jobs(self, job_ids: Sequence[bytes]) -> Mapping[bytes, bytes]:
        async with self._connection() as connection:
            found = await connection.fetch("SELECT job_id, job FROM jobs WHERE job_id = ANY($1::bytea[])", job_ids)
        return {row["job_id"]: row["job"] for row in found}

    async def _find_results(self, job_ids: Sequence[bytes]) -> Mapping[bytes, bytes]:
        async with self._connection() as connection:
            found = await connection.fetch(
                "SELECT job_id, job, chunk, start, length FROM jobs WHERE job_id = ANY($1::bytea[])", job_ids
            )
            bodies = await self._with_results(connection, found)
        return {row["job_id"]: body for row, body in zip(found, bodies, strict=True)}

    async def _items(self, connection: Any, page: Sequence[End], *, results: bool) -> Sequence[bytes]:
        found = await connection.fetch(
            "SELECT job, chunk, start, length FROM jobs WHERE seq = ANY($1::bigint[])"
            " ORDER BY created_ms DESC, seq DESC",
            [key.number for key in page],
        )
        return await self._with_results(connection, found) if results else [row["job"] for row in found]

    async def _with_results(self, connection: Any, rows: Sequence[Any]) -> Sequence[bytes]:
        chunks = {number: self._unpacked.get(number) for number in {row["chunk"] for row in rows} - {None}}
        missing = [number for number, chunk in chunks.items() if chunk is None]
        for row in await connection.fetch("SELECT chunk, data FROM chunks WHERE chunk = ANY($1::bigint[])", missing):
            chunks[row["chunk"]] = self._unpacked.put(row["chunk"], row["data"])
        return [
            with_result(row["job"], BodyPlace(row["chunk"], row["start"], row["length"]).cut(chunks.get(row["chunk"])))
            for row in rows
        ]

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        if self._pool is None:
            raise StoreUnavailable("the job store is not open")
        async with _translated(), self._pool.acquire(timeout=_STATEMENT_S) as connection:
            yield connection


async def _generation(connection: Any) -> str:
    return str(await connection.fetchval("SELECT generation FROM state"))


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as wrong:
        raise StoreUnavailable(f"the job store on PostgreSQL: {str(wrong) or type(wrong).__name__}") from wrong
