"""The reading side: what one reading thread does with its own connection."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from producer.store.base import MAX_LIMIT, BatchPage, JobFilter, Page
from producer.store.cursor import Cursors, End
from producer.store.documents import with_result
from producer.store.packing import BodyPlace
from producer.store.sqlite import batches
from producer.store.sqlite.bodies import Bodies
from producer.store.sqlite.listing import Listing

_START: Final = End(1 << 62, 0)


class Reader:
    """Reads through one connection, in one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._bodies = Bodies(connection)

    def jobs(self, job_ids: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Return the job objects of those ids that are known."""
        asked = _padded(job_ids)
        found: Iterable[tuple[bytes, bytes]] = self.connection.execute(
            f"SELECT job_id, job FROM jobs WHERE job_id IN ({_marks(asked)})",  # noqa: S608 - question marks
            asked,
        )
        return dict(found)

    def results(self, job_ids: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Return the job objects with their results."""
        asked = _padded(job_ids)
        found = self.connection.execute(
            f"SELECT job_id, job, chunk, start, length FROM jobs WHERE job_id IN ({_marks(asked)})",  # noqa: S608
            asked,
        ).fetchall()
        return {job_id: with_result(job, self._bodies.read(BodyPlace(*place))) for job_id, job, *place in found}

    def page(self, wanted: JobFilter, *, results: bool) -> Page:
        """Return one page of jobs, all of it as of one moment."""
        self.connection.execute("BEGIN")
        try:
            return Listing(self.connection, self._bodies, wanted).page(results=results)
        finally:
            self.connection.execute("COMMIT")

    def idempotency(self, key_id: UUID) -> tuple[UUID, bytes] | None:
        """Return the job and the fingerprint of a key."""
        found = self.connection.execute(
            "SELECT job_id, fingerprint FROM idempotency WHERE key_id = ?", (key_id.bytes,)
        ).fetchone()
        return None if found is None else (UUID(bytes=found[0]), found[1])

    def batches(self, county_id: str | None, limit: int, cursor: str | None) -> BatchPage:
        """Return one page of batches, of a county or of all."""
        if not 1 <= limit <= MAX_LIMIT:
            raise ValueError(f"limit must be 1 to {MAX_LIMIT}")
        (generation,) = self.connection.execute("SELECT generation FROM state").fetchone()
        cursors = Cursors(generation, ("batches", county_id))
        start = _START if cursor is None else cursors.read(cursor)
        found = batches.newest(self.connection, county_id, limit + 1, (start.created_ms, start.number))
        page = found[:limit]
        after = cursors.write(End(*page[-1][0])) if len(found) > limit else None
        return BatchPage([batch for _, batch in page], after)


def _padded(job_ids: Sequence[bytes]) -> Sequence[bytes]:
    """Return the ids repeated up to a power of two, so that few different statements are ever prepared."""
    return [*job_ids, *[job_ids[-1]] * ((1 << (len(job_ids) - 1).bit_length()) - len(job_ids))]


def _marks(job_ids: Sequence[bytes]) -> str:
    return ",".join("?" * len(job_ids))
