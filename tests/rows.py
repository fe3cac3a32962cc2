"""Rows as the lanes write them, read back."""

from typing import NamedTuple

from processor.batch import Row
from processor.lanes.foreign import RecordReader
from processor.wire import Headers


class Written(NamedTuple):
    """What a row says."""

    key: bytes | None
    value: bytes | None
    headers: Headers


def read_row(row: Row) -> Written:
    """Return a row's key, value and headers."""
    reader = RecordReader(row)
    return Written(reader.text(), reader.text(), reader.headers())
