"""A record batch as Kafka stores it, written from rows that lie ready.

It stands where aiokafka's producer expects its own ``BatchBuilder``, and gives the same bytes in less time.
"""

import struct
from collections.abc import Sequence
from itertools import islice
from typing import Final

import google_crc32c

from processor.batch import Row
from processor.wire import VARINTS

_START: Final = b"\x00\x00"
"""A record's attributes, of which there are none, and its distance from the batch's timestamp."""

_PREFIX: Final = struct.Struct(">qiibI")
"""Base offset, length after itself, leader epoch, magic, checksum of what follows."""
_HEAD: Final = struct.Struct(">hiqqqhii")
"""Attributes, last offset delta, first and last timestamp, producer id and epoch, sequence, number of records."""
_LENGTH_COUNTS_FROM: Final = 12
_NO_EPOCH: Final = -1
_MAGIC: Final = 2
_TRANSACTIONAL: Final = 0x10
_NO_PRODUCER: Final = (-1, -1, 0)


class RecordBatch:
    """Records of one transaction for one partition, all of one moment, up to a number of bytes."""

    def __init__(self, limit: int, timestamp_ms: int) -> None:
        self._limit = limit
        self._timestamp_ms = timestamp_ms
        self._parts: list[bytes] = []
        self._count = 0
        self._size = _PREFIX.size + _HEAD.size
        self._closed = False
        self._producer = _NO_PRODUCER
        self._built: bytes | None = None

    def extend(self, rows: Sequence[Row], at: int) -> int:
        """Take rows from position ``at`` on while there is room, one at least; return the position after the last."""
        add, lengths, count, size = self._parts.extend, VARINTS, self._count, self._size
        for row in islice(rows, at, None):
            place = lengths[count]
            length = lengths[len(_START) + len(place) + len(row)]
            following = size + len(length) + len(_START) + len(place) + len(row)
            if following > self._limit and count:
                break
            add((length, _START, place, row))
            size, count = following, count + 1
        taken = count - self._count
        self._count, self._size = count, size
        return at + taken

    def size(self) -> int:
        """Return the bytes that the batch takes."""
        return self._size

    def record_count(self) -> int:
        """Return the number of records."""
        return self._count

    def close(self) -> None:
        """Take no more; aiokafka says so before it sends."""
        self._closed = True

    def closed(self) -> bool:
        """Tell whether the batch takes no more."""
        return self._closed

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        self._producer = producer_id, producer_epoch, base_sequence
        self._built = None

    def _build(self) -> bytes:
        self._closed = True
        if self._built is None:
            last, time = self._count - 1, self._timestamp_ms
            head = _HEAD.pack(_TRANSACTIONAL, last, time, time, *self._producer, self._count)
            body = b"".join((head, *self._parts))
            length = _PREFIX.size - _LENGTH_COUNTS_FROM + len(body)
            self._built = _PREFIX.pack(0, length, _NO_EPOCH, _MAGIC, google_crc32c.value(body)) + body
        return self._built
