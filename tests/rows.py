"""Rows as the lanes write them, read back."""

from typing import Any, NamedTuple

import orjson

from processor.batch import Row
from processor.lanes.foreign import RecordReader
from processor.wire import Headers
from schemas.events import Job


class Written(NamedTuple):
    """What a row says."""

    key: bytes | None
    value: bytes | None
    headers: Headers


def read_row(row: Row) -> Written:
    """Return a row's key, value and headers."""
    reader = RecordReader(row)
    return Written(reader.text(), reader.text(), reader.headers())


def read_event(row: Row) -> dict[str, Any]:
    """Return the job that a row's value tells of; it is as the schema has it."""
    value: dict[str, Any] = orjson.loads(read_row(row).value or b"")
    Job.model_validate(value)
    return value
