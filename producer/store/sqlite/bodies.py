"""Reads result bodies out of their chunks."""

import sqlite3
from collections.abc import Iterable, Iterator

from producer.store.documents import with_result
from producer.store.packing import BodyPlace, Unpacked


class Bodies:
    """Reads bodies through one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._unpacked = Unpacked()

    def read(self, place: BodyPlace) -> bytes | None:
        """Return the body at a place, None where there is none or it has been pruned."""
        if place.chunk is None:
            return None
        chunk = self._unpacked.get(place.chunk)
        if chunk is None:
            found = self._connection.execute("SELECT data FROM chunks WHERE chunk = ?", (place.chunk,)).fetchone()
            chunk = None if found is None else self._unpacked.put(place.chunk, found[0])
        return place.cut(chunk)


def with_results(bodies: Bodies, jobs: Iterable[tuple[bytes, BodyPlace]]) -> Iterator[bytes]:
    """Return job objects with their results."""
    return (with_result(job, bodies.read(place)) for job, place in jobs)
