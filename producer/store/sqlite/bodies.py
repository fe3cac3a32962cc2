"""Result bodies, packed: results written together share one compressed chunk, a tenth of a page each instead of one.

Bodies are most of what there is to store, and results of one moment resemble each other.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import cramjam

from producer.store.base import JobRow
from producer.store.documents import with_result

_CHUNK_BYTES: Final = 64 * 1024
_LEVEL: Final = 1
_CACHED_CHUNKS: Final = 32


class BodyPlace(NamedTuple):
    """Where a body lies: its chunk, and its bytes within."""

    chunk: int | None
    start: int | None
    length: int | None


_NOWHERE: Final = BodyPlace(None, None, None)


def pack(rows: Sequence[JobRow], first_chunk: int) -> tuple[list[BodyPlace], list[tuple[int, int, int, bytes]]]:
    """Return the place of each row's body, and the chunks to insert, numbered from ``first_chunk``.

    A chunk is dated by the latest of its results, so that it outlives none of them.
    """
    places: list[BodyPlace] = []
    chunks: list[tuple[int, int, int, bytes]] = []
    open_bodies: list[bytes] = []
    size = latest = 0
    for row in rows:
        body = row.result
        if body is None:
            places.append(_NOWHERE)
            continue
        places.append(BodyPlace(first_chunk + len(chunks), size, len(body)))
        open_bodies.append(body)
        size += len(body)
        latest = max(latest, row.updated_ms)
        if size >= _CHUNK_BYTES:
            chunks.append(_chunk(first_chunk + len(chunks), latest, open_bodies))
            open_bodies, size, latest = [], 0, 0
    if open_bodies:
        chunks.append(_chunk(first_chunk + len(chunks), latest, open_bodies))
    return places, chunks


def _chunk(number: int, latest: int, bodies: Sequence[bytes]) -> tuple[int, int, int, bytes]:
    return number, latest, len(bodies), bytes(cramjam.zstd.compress(b"".join(bodies), _LEVEL))


class Bodies:
    """Reads bodies through one connection; a few unpacked chunks are kept, since listings read neighbours.

    A chunk never changes and its number is never used again.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._unpacked: OrderedDict[int, bytes] = OrderedDict()

    def read(self, place: BodyPlace) -> bytes | None:
        """Return the body at a place, None where there is none or it has been pruned."""
        if place.chunk is None or place.start is None or place.length is None:
            return None
        chunk = self._chunk(place.chunk)
        return None if chunk is None else chunk[place.start : place.start + place.length]

    def _chunk(self, number: int) -> bytes | None:
        kept = self._unpacked.get(number)
        if kept is not None:
            self._unpacked.move_to_end(number)
            return kept
        found = self._connection.execute("SELECT data FROM chunks WHERE chunk = ?", (number,)).fetchone()
        if found is None:
            return None
        data = bytes(cramjam.zstd.decompress(found[0]))
        self._unpacked[number] = data
        if len(self._unpacked) > _CACHED_CHUNKS:
            self._unpacked.popitem(last=False)
        return data


def with_results(bodies: Bodies, jobs: Iterable[tuple[bytes, BodyPlace]]) -> Iterator[bytes]:
    """Return job objects with their results."""
    return (with_result(job, bodies.read(place)) for job, place in jobs)
