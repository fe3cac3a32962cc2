"""Jobs as events show them, made for the tests of stores and views."""

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

import orjson

from producer.store.base import Changes, JobRow, JobStore, KeyRow, NewBatch, Place
from producer.store.outcomes import FIRST_FINAL, PENDING, final_code
from schemas.clock import rfc3339

REQUESTS = "requests"
RESULTS = "results"
T0 = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""


class Jobs:
    """Makes rows with offsets that go up as they do on a topic."""

    def __init__(self, county_id: str = "BENTON") -> None:
        self._county = county_id
        self._next: dict[str, int] = {REQUESTS: 0, RESULTS: 0}

    def requested(self, job_id: UUID | None = None, *, created_ms: int = T0, **where: str | None) -> JobRow:
        """Return a request's row; ``where`` may name property_id, county_id and batch_id."""
        return self._row(REQUESTS, job_id, PENDING, (created_ms, created_ms), None, **where)

    def ended(
        self,
        job_id: UUID | None = None,
        *,
        created_ms: int = T0,
        updated_ms: int | None = None,
        reason: str | None = None,
        result: bytes = b'{"estimated_value":412300}',
        **where: str | None,
    ) -> JobRow:
        """Return a result's row: completed with ``result``, or failed for ``reason``."""
        outcome = final_code("FAILED" if reason else "COMPLETED", reason)
        times = (created_ms, created_ms + 5 if updated_ms is None else updated_ms)
        return self._row(RESULTS, job_id, outcome, times, None if reason else result, **where)

    def _row(  # noqa: PLR0913, PLR0917 - one value for each kind of column
        self,
        topic: str,
        job_id: UUID | None,
        outcome: int,
        times: tuple[int, int],
        result: bytes | None,
        /,
        property_id: str | None = "PROP123",
        county_id: str | None = None,
        batch_id: str | None = None,
    ) -> JobRow:
        job_id = job_id or uuid4()
        county, property_id = county_id or self._county, property_id or ""
        job = {
            "job_id": str(job_id),
            "property_id": property_id,
            "county_id": county,
            "status": "PENDING" if outcome < FIRST_FINAL else "COMPLETED" if result else "FAILED",
            "created_at": rfc3339(times[0]),
            "batch_id": batch_id,
        }
        offset = self._next[topic]
        self._next[topic] += 1
        return JobRow(
            job_id.bytes, *times, outcome, county, property_id, batch_id, orjson.dumps(job), result, 0, offset
        )


def positions_after(rows: Sequence[JobRow]) -> Mapping[Place, int]:
    after: dict[Place, int] = {}
    for row in rows:
        place = (RESULTS if row.outcome >= FIRST_FINAL else REQUESTS, row.partition)
        after[place] = max(after.get(place, 0), row.offset + 1)
    return after


async def write(store: JobStore, *rows: JobRow, keys: Sequence[KeyRow] = (), batches: Sequence[NewBatch] = ()) -> None:
    """Apply rows as the follower does, with the positions after them."""
    mark = await store.bookmark()
    await store.apply(Changes(mark.generation, REQUESTS, RESULTS, positions_after(rows), rows, keys, batches))


async def replay(store: JobStore, *rows: JobRow) -> None:
    """Apply rows again although the positions say that they are stored, as after a position was lost."""
    mark = await store.bookmark()
    late = [row._replace(offset=row.offset + 1_000_000) for row in rows]
    await store.apply(Changes(mark.generation, REQUESTS, RESULTS, {}, late))


def uuid_of(row: JobRow) -> UUID:
    return UUID(bytes=row.job_id)
