"""Buckets of consecutive jobs: disjoint spans of creation time, each of about as many jobs, the newest open-ended."""

import sqlite3
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

JOBS_A_BUCKET: Final = 65_536


class Buckets:
    """Assigns jobs to buckets within one write transaction."""

    def __init__(self, connection: sqlite3.Connection, *, size: int = JOBS_A_BUCKET) -> None:
        self._connection = connection
        self._size = size
        self._rows = connection.execute(
            "SELECT from_ms, bucket, last_ms, jobs FROM buckets ORDER BY from_ms"
        ).fetchall()
        if not self._rows:
            self._open(-(1 << 62))
        elif self._rows[-1][3] >= size:
            self._open(self._rows[-1][2] + 1)
        self._starts = [row[0] for row in self._rows]

    def assign(self, created: Sequence[int]) -> list[int]:
        """Return the bucket of each creation time, counting them in; ``created`` is not empty."""
        starts, rows = self._starts, self._rows
        newest_from, newest = rows[-1][0], rows[-1][1]
        found = [
            newest if created_ms >= newest_from else rows[bisect_right(starts, created_ms) - 1][1]
            for created_ms in created
        ]
        self._connection.execute(
            "UPDATE buckets SET jobs = jobs + ?, last_ms = max(last_ms, ?) WHERE bucket = ?",
            (found.count(newest), max(created), newest),
        )
        return found

    def _open(self, from_ms: int) -> None:
        number = len(self._rows) + 1
        self._connection.execute("INSERT INTO buckets VALUES (?, ?, ?, 0)", (number, from_ms, from_ms))
        self._rows.append((from_ms, number, from_ms, 0))
