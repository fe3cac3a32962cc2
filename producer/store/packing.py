"""Result bodies, packed: results written together share one compressed chunk, a tenth of a page each instead of one.

Bodies are most of what there is to store, and results of one moment resemble each other.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

import cramjam

from producer.store.base import JobRow

_CHUNK_BYTES: Final = 64 * 1024
_LEVEL: Final = 1
_CACHED_CHUNKS: Final = 32


class BodyPlace(NamedTuple):
    """Where a body lies: its chunk, and its bytes within."""

    chunk: int | None
    start: int | None
    length: int | None

    def cut(self, chunk: bytes | None) -> bytes | None:
        """Return the body out of its chunk, None where the chunk has been pruned."""
        if chunk is None or self.start is None or self.length is None:
            return None
        return chunk[self.start : self.start + self.length]


class Chunk(NamedTuple):
    """Bodies to store together; dated by the latest of its results, so that it outlives none of them."""

    number: int
    created_ms: int
    results: int
    data: bytes


_NOWHERE: Final = BodyPlace(None, None, None)


def pack(rows: Sequence[JobRow], first_chunk: int) -> tuple[list[BodyPlace], list[Chunk]]:
    """Return the place of each row's body, and the chunks to insert, numbered from ``first_chunk``."""
    places: list[BodyPlace] = []
    chunks: list[Chunk] = []
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


def _chunk(number: int, latest: int, bodies: Sequence[bytes]) -> Chunk:
    return Chunk(number, latest, len(bodies), bytes(cramjam.zstd.compress(b"".join(bodies), _LEVEL)))


class Unpacked:
    """A few unpacked chunks, since listings read neighbours. A chunk never changes, nor is its number used again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    def get(self, number: int) -> bytes | None:
        """Return a chunk that is kept."""
        kept = self._kept.get(number)
        if kept is not None:
            self._kept.move_to_end(number)
        return kept

    def put(self, number: int, packed: bytes) -> bytes:
        """Unpack a chunk, keep it, and return it."""
        data = self._kept[number] = bytes(cramjam.zstd.decompress(packed))
        if len(self._kept) > _CACHED_CHUNKS:
            self._kept.popitem(last=False)
        return data
