"""Listing jobs newest first: as in SQLite, a filter becomes a few ranges of one index, each in order, put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from producer.store.base import JobFilter
from producer.store.cursor import End
from producer.store.outcomes import codes_of
from producer.store.postgres.texts import storable

START: Final = End((1 << 62), 0)
_FEW: Final = 2000
_PRESENT: Final = """
WITH RECURSIVE present AS (
    (SELECT county_id, outcome FROM jobs WHERE {where} ORDER BY county_id, outcome LIMIT 1)
    UNION ALL
    SELECT next.* FROM present, LATERAL (
        SELECT county_id, outcome FROM jobs
        WHERE {where} AND (county_id, outcome) > (present.county_id, present.outcome)
        ORDER BY county_id, outcome LIMIT 1) next)
SELECT county_id, outcome FROM present
"""


class Parameters(list[Any]):
    """Values of a statement; adding one returns its mark."""

    def add(self, value: object) -> str:
        """Add a value."""
        self.append(value)
        return f"${len(self)}"


@dataclass(frozen=True, slots=True)
class Range:
    """Jobs that one index holds in order of creation: county None where the index does not go by it."""

    column: str | None
    value: str | None
    county: str | None
    outcome: int


async def keys(connection: Any, wanted: JobFilter, start: End, limit: int) -> list[End]:
    """Return the places of the jobs to list after ``start``."""
    codes = codes_of(wanted.status, wanted.failure_reason)
    ranges = await _ranges(connection, wanted, codes) if codes else ()
    if not ranges:
        return []
    values = Parameters()
    after = -1 if wanted.created_after_ms is None else wanted.created_after_ms
    branches = [_branch(values, wanted, each, start, after, limit) for each in ranges]
    together = " UNION ALL ".join(branches)
    query = f"SELECT * FROM ({together}) found ORDER BY created_ms DESC, seq DESC LIMIT {values.add(limit)}"  # noqa: S608
    return [End(row["created_ms"], row["seq"]) for row in await connection.fetch(query, *values)]


async def _ranges(connection: Any, wanted: JobFilter, codes: Sequence[int]) -> Sequence[Range]:
    if wanted.property_id is not None and not await _better_by_batch(connection, wanted):
        return await _split(connection, "property_id", wanted.property_id, wanted.county_id, codes)
    if wanted.batch_id is not None:
        return await _split(connection, "batch_id", wanted.batch_id, wanted.county_id, codes)
    return [Range(None, None, wanted.county_id, code) for code in codes]


async def _better_by_batch(connection: Any, wanted: JobFilter) -> bool:
    """Whether a batch is to be searched for a property, because the property has too many jobs of its own."""
    if wanted.batch_id is None:
        return False
    number = await connection.fetchval(
        "SELECT count(*) FROM (SELECT 1 FROM jobs WHERE property_id = $1 LIMIT $2) few",
        storable(wanted.property_id),
        _FEW,
    )
    return bool(number >= _FEW)


async def _split(connection: Any, column: str, value: str, county: str | None, codes: Sequence[int]) -> Sequence[Range]:
    """Return the ranges of an index in which the county comes between ``column`` and the outcome."""
    if county is not None:
        return [Range(column, value, county, code) for code in codes]
    present = await connection.fetch(_PRESENT.format(where=f"{column} = $1"), storable(value))
    return [Range(column, value, row["county_id"], row["outcome"]) for row in present if row["outcome"] in codes]


def _branch(  # noqa: PLR0913, PLR0917 - what one branch of a listing is made of
    values: Parameters, wanted: JobFilter, each: Range, start: End, after: int, limit: int
) -> str:
    terms = [f"outcome = {values.add(each.outcome)}::smallint"]
    equal = {"county_id": each.county, "property_id": wanted.property_id, "batch_id": wanted.batch_id}
    terms += [f"{column} = {values.add(storable(text))}" for column, text in equal.items() if text is not None]
    terms.append(f"(created_ms, seq) < ({values.add(start.created_ms)}::bigint, {values.add(start.number)}::bigint)")
    terms.append(f"created_ms > {values.add(after)}::bigint")
    return (
        f"(SELECT created_ms, seq FROM jobs WHERE {' AND '.join(terms)}"  # noqa: S608 - names of columns and marks
        f" ORDER BY created_ms DESC, seq DESC LIMIT {values.add(limit)})"
    )
