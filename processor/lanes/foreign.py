"""Reads record batches whose header names are no UTF-8: no client of ours writes them, but anyone may.

aiokafka refuses the whole batch then, and a partition with such a record would be stuck for ever.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aiokafka import codec
from aiokafka.record.util import decode_varint

from processor.batch import Record
from processor.wire import Headers

_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
"""Base offset, length, leader epoch, magic, checksum, attributes, last delta, first and last time, producer, count."""
_CODEC: Final = 0x07
_BROKER_TIME: Final = 0x08
_UNPACKED: Final[Mapping[int, Callable[[bytes], bytes]]] = {
    0: bytes,
    1: codec.gzip_decode,
    2: codec.snappy_decode,
    3: codec.lz4_decode,
    4: codec.zstd_decode,
}


@dataclass(frozen=True, slots=True)
class ForeignRecord:
    """A record whose header names were read as well as they can be."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class RecordReader:
    """Reads the parts of records one after the other (Kafka protocol, message format 2)."""

    def __init__(self, body: bytes) -> None:
        self._body = bytearray(body)
        self._at = 0

    def number(self) -> int:
        """Return the next variable-length number."""
        number, self._at = decode_varint(self._body, self._at)
        return int(number)

    def text(self) -> bytes | None:
        """Return the next bytes; None where the record has none."""
        length = self.number()
        if length < 0:
            return None
        start, self._at = self._at, self._at + length
        return bytes(self._body[start : self._at])

    def headers(self) -> Headers:
        """Return the headers, with replacement characters in names that are no UTF-8."""
        return [((self.text() or b"").decode("utf-8", "replace"), self.text()) for _ in range(self.number())]


def foreign_records(batch: bytes) -> list[Record]:
    """Return the records of one record batch, whatever their headers are called."""
    base, _, _, _, _, attributes, _, first_time, last_time, _, _, _, count = _HEADER.unpack_from(batch)
    reader = RecordReader(_UNPACKED[attributes & _CODEC](batch[_HEADER.size :]))
    records: list[Record] = []
    for _ in range(count):
        reader.number()  # the record's length
        reader.number()  # its attributes, of which there are none so far
        time = first_time + reader.number()
        offset = base + reader.number()
        timestamp = last_time if attributes & _BROKER_TIME else time
        records.append(ForeignRecord(offset, timestamp, reader.text(), reader.text(), reader.headers()))
    return records
