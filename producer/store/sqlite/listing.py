"""Listing jobs newest first, by any filter, in time that does not depend on how many jobs there are.

Every index ends in (outcome, created_ms): a filter becomes a few *arms*, each a range of one index that is already in
order, and SQLite merges the arms without sorting. Where a column before the outcome is open (the county of a property
or a batch) its values are found by skipping through the index, one step for each.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from producer.store.base import JobFilter, Page
from producer.store.cursor import Cursors, End
from producer.store.outcomes import codes_of
from producer.store.packing import BodyPlace
from producer.store.sqlite.bodies import Bodies, with_results

_START: Final = End((1 << 62), 0)
_FEW: Final = 2000
_MOST_ARMS: Final = 450
"""SQLite joins at most 500 arms in one statement."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A range of one index in which jobs lie in order of creation."""

    index: str
    where: str
    values: tuple[str | int, ...]


class Listing:
    """Answers one page of one filter."""

    def __init__(self, connection: sqlite3.Connection, bodies: Bodies, wanted: JobFilter) -> None:
        self._connection = connection
        self._bodies = bodies
        self._wanted = wanted
        self._codes = codes_of(wanted.status, wanted.failure_reason)
        self._after = -1 if wanted.created_after_ms is None else wanted.created_after_ms

    def page(self, *, results: bool) -> Page:
        """Return the page; with ``results`` every item carries its result."""
        (generation,) = self._connection.execute("SELECT generation FROM state").fetchone()
        wanted = self._wanted
        cursors = Cursors(generation, wanted.listing)
        start = _START if wanted.cursor is None else cursors.read(wanted.cursor)
        keys = self._keys(start, wanted.limit + 1)
        more = len(keys) > wanted.limit
        keys = keys[: wanted.limit]
        if not keys:
            return Page(b"[]", 0, None)
        items = self._with_results(keys) if results else self._plain(keys)
        return Page(items, len(keys), cursors.write(keys[-1]) if more else None)

    def _keys(self, start: End, limit: int) -> list[End]:
        keys: list[End] = []
        for arms in self._merges(start):
            if arms:
                keys.extend(self._merged(arms, start, limit - len(keys)))
            if len(keys) >= limit:
                break
        return keys

    def _merges(self, start: End) -> Iterator[Sequence[Arm]]:
        """Return sets of arms to merge, each set older than the one before."""
        wanted = self._wanted
        if not self._codes:
            return
        if wanted.property_id is not None and not self._better_by_batch(wanted.property_id):
            yield from self._by_property(wanted.property_id, start)
        elif wanted.batch_id is not None:
            yield self._split("jobs_by_batch", "batch_id = ?", (wanted.batch_id,))
        elif wanted.county_id is not None:
            yield self._arms("jobs_by_county", "county_id = ?", (wanted.county_id,))
        else:
            yield self._arms("jobs_by_outcome", "1", ())

    def _better_by_batch(self, property_id: str) -> bool:
        """Whether a batch is to be searched for a property, because the property has too many jobs of its own."""
        if self._wanted.batch_id is None:
            return False
        (number,) = self._connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM buckets CROSS JOIN jobs INDEXED BY jobs_by_property"
            " ON jobs.bucket = buckets.bucket WHERE property_id = ? LIMIT ?)",
            (property_id, _FEW),
        ).fetchone()
        return bool(number >= _FEW)

    def _by_property(self, property_id: str, start: End) -> Iterator[Sequence[Arm]]:
        buckets = self._connection.execute(
            "SELECT bucket FROM buckets WHERE from_ms <= ? AND last_ms > ? AND EXISTS("
            "SELECT 1 FROM jobs WHERE jobs.bucket = buckets.bucket AND property_id = ?) ORDER BY from_ms DESC",
            (start.created_ms, self._after, property_id),
        ).fetchall()
        for (bucket,) in buckets:
            yield self._split("jobs_by_property", "bucket = ? AND property_id = ?", (bucket, property_id))

    def _split(self, index: str, where: str, values: tuple[str | int, ...]) -> Sequence[Arm]:
        """Return the arms of an index in which the county comes between ``where`` and the outcome."""
        if self._wanted.county_id is not None:
            return self._arms(index, f"{where} AND county_id = ?", (*values, self._wanted.county_id))
        return [
            Arm(index, f"{where} AND county_id = ? AND outcome = ?", (*values, county, code))
            for county, code in self._present(index, where, values)
            if code in self._codes
        ]

    def _present(self, index: str, where: str, values: tuple[str | int, ...]) -> Iterator[tuple[str, int]]:
        """Skip through an index: one step for each county and outcome that occurs."""
        some = f"SELECT county_id, outcome FROM jobs INDEXED BY {index} WHERE {where}"  # noqa: S608 - names of the schema
        query = (  # two ranges: for (county_id, outcome) > (?, ?) SQLite reads every entry of the county so far
            f"SELECT * FROM ({some} AND county_id = ? AND outcome > ? ORDER BY outcome LIMIT 1) UNION ALL "  # noqa: S608
            f"SELECT * FROM ({some} AND county_id > ? ORDER BY county_id, outcome LIMIT 1) LIMIT 1"
        )
        county, outcome = "", -1
        while found := self._connection.execute(query, (*values, county, outcome, *values, county)).fetchone():
            county, outcome = found
            yield county, outcome

    def _arms(self, index: str, where: str, values: tuple[str | int, ...]) -> Sequence[Arm]:
        return [Arm(index, f"{where} AND outcome = ?", (*values, code)) for code in self._codes]

    def _merged(self, arms: Sequence[Arm], start: End, limit: int) -> list[End]:
        found: list[End] = []
        for first in range(0, len(arms), _MOST_ARMS):
            found.extend(self._merge(arms[first : first + _MOST_ARMS], start, limit))
        return found if len(arms) <= _MOST_ARMS else sorted(found, reverse=True)[:limit]

    def _merge(self, arms: Sequence[Arm], start: End, limit: int) -> list[End]:
        residual, residual_values = self._residual(arms[0].index)
        branches, values = [], []
        for arm in arms:
            branches.append(
                f"SELECT created_ms, seq FROM jobs INDEXED BY {arm.index} WHERE {arm.where}"  # noqa: S608 - as above
                f" AND (created_ms, seq) < (?, ?) AND created_ms > ?{residual}"
            )
            values += [*arm.values, start.created_ms, start.number, self._after, *residual_values]
        query = f"{' UNION ALL '.join(branches)} ORDER BY created_ms DESC, seq DESC LIMIT ?"
        return [End(*row) for row in self._connection.execute(query, (*values, limit))]

    def _residual(self, index: str) -> tuple[str, tuple[str, ...]]:
        """Return what the index does not know: the batch of a property's jobs, or the property of a batch's."""
        wanted = self._wanted
        if index == "jobs_by_property" and wanted.batch_id is not None:
            return " AND batch_id = ?", (wanted.batch_id,)
        if index == "jobs_by_batch" and wanted.property_id is not None:
            return " AND property_id = ?", (wanted.property_id,)
        return "", ()

    def _plain(self, keys: Sequence[End]) -> bytes:
        """Return the jobs as one JSON array, put together by SQLite in one step."""
        marks = ",".join(str(key.number) for key in keys)
        (items,) = self._connection.execute(
            "SELECT CAST(group_concat(job, ',') AS BLOB) FROM (SELECT job FROM jobs"  # noqa: S608 - numbers
            f" WHERE seq IN ({marks}) ORDER BY created_ms DESC, seq DESC)"
        ).fetchone()
        return b"[%b]" % items

    def _with_results(self, keys: Sequence[End]) -> bytes:
        marks = ",".join(str(key.number) for key in keys)
        found = self._connection.execute(
            f"SELECT job, chunk, start, length FROM jobs WHERE seq IN ({marks})"  # noqa: S608 - numbers
            " ORDER BY created_ms DESC, seq DESC"
        )
        return b"[%b]" % b",".join(with_results(self._bodies, ((job, BodyPlace(*place)) for job, *place in found)))
