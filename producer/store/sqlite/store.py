"""The SQLite job store as the gateway uses it: every call is a coroutine, the work is done in threads of its own."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

from producer.store.base import (
    DEFAULT_LIMIT,
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
from producer.store.errors import StoreUnavailable
from producer.store.lookups import Lookups
from producer.store.sqlite import batches, writing
from producer.store.sqlite.pruning import prune
from producer.store.sqlite.reading import Reader
from producer.store.sqlite.schema import empty, open_reader, open_writer, transaction

_READERS: Final = 2

T = TypeVar("T")


class SqliteStore:
    """Jobs in one SQLite file.

    One thread writes through its own connection; a few others read, and never wait for the writer. Jobs that are
    asked for at the same time are looked up together.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = ThreadPoolExecutor(1, "job-store-write")
        self._reading = ThreadPoolExecutor(_READERS, "job-store-read")
        self._writer: sqlite3.Connection | None = None
        self._readers: list[sqlite3.Connection] = []
        self._of_thread = threading.local()
        self._jobs = Lookups(lambda ids: self._read(lambda reader: reader.jobs(ids)))
        self._results = Lookups(lambda ids: self._read(lambda reader: reader.results(ids)))

    async def open(self) -> None:
        """Make or check the file."""
        loop = asyncio.get_running_loop()
        self._writer = await loop.run_in_executor(self._writing, open_writer, self._path)

    async def close(self) -> None:
        """Close the connections; SQLite folds its log into the file."""
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    async def job(self, job_id: UUID) -> bytes | None:
        """Return a job object."""
        return await self._jobs.find(job_id.bytes)

    async def result(self, job_id: UUID) -> bytes | None:
        """Return a job object with its result."""
        return await self._results.find(job_id.bytes)

    async def jobs(self, wanted: JobFilter, *, results: bool = False) -> Page:
        """List jobs, newest first."""
        return await self._read(lambda reader: reader.page(wanted, results=results))

    async def idempotency(self, key_id: UUID) -> tuple[UUID, bytes] | None:
        """Return the job and the fingerprint of a key."""
        return await self._read(lambda reader: reader.idempotency(key_id))

    async def batch(self, batch_id: str) -> BatchCounts | None:
        """Return one batch."""
        return await self._read(lambda reader: batches.one(reader.connection, batch_id))

    async def batches(
        self, *, county_id: str | None = None, limit: int = DEFAULT_LIMIT, cursor: str | None = None
    ) -> BatchPage:
        """List batches, newest first."""
        return await self._read(lambda reader: reader.batches(county_id, limit, cursor))

    async def create_batch(self, batch: NewBatch) -> None:
        """Announce a batch."""
        await self._write(partial(_in_transaction, lambda connection: batches.announce(connection, [batch])))

    async def cancel_batch(self, batch_id: str, *, now_ms: int) -> BatchCounts | None:
        """Mark a batch cancelled unless it has completed."""
        return await self._write(
            partial(_in_transaction, lambda connection: batches.cancel(connection, batch_id, now_ms))
        )

    async def bookmark(self) -> Bookmark:
        """Return how far the store has read."""
        return await self._write(writing.bookmark)

    async def apply(self, changes: Changes) -> None:
        """Write events and positions in one transaction."""
        await self._write(lambda connection: writing.apply(connection, changes))

    async def reset(self, cluster_id: str | None) -> Bookmark:
        """Forget everything."""
        await self._write(partial(_in_transaction, lambda connection: empty(connection, cluster_id)))
        return await self.bookmark()

    async def adopt(self, cluster_id: str) -> None:
        """Note the cluster where none was noted."""
        await self._write(
            lambda connection: connection.execute(
                "UPDATE state SET cluster_id = ? WHERE cluster_id IS NULL", (cluster_id,)
            )
        )

    async def prune(self, retention: Retention, *, now_ms: int) -> Pruned:
        """Remove a bounded share of what is beyond retention."""
        return await self._write(lambda connection: prune(connection, retention, now_ms))

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        writer = self._writer
        if writer is None:
            raise StoreUnavailable("the job store is not open")
        return await self._in(self._writing, lambda: work(writer))

    async def _read(self, work: Callable[[Reader], T]) -> T:
        if self._writer is None:
            raise StoreUnavailable("the job store is not open")
        return await self._in(self._reading, lambda: work(self._reader()))

    async def _in(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, work)
        except sqlite3.Error as wrong:
            raise StoreUnavailable(f"the job store {self._path}: {wrong}") from wrong

    def _reader(self) -> Reader:
        reader: Reader | None = getattr(self._of_thread, "reader", None)
        if reader is None:
            connection = open_reader(self._path)
            self._readers.append(connection)
            reader = self._of_thread.reader = Reader(connection)
        return reader

    def _close(self) -> None:
        self._reading.shutdown()
        self._writing.shutdown()
        for connection in self._readers:
            connection.close()
        if self._writer is not None:
            self._writer.close()
        self._writer = None


def _in_transaction(work: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> T:
    with transaction(connection):
        return work(connection)
