"""Parquet, written a row group a page; apart from the other formats because its library takes long to load."""

from datetime import datetime
from typing import Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from producer.export.columns import COLUMNS, Kind, cells

_TYPES: Final = {Kind.TEXT: pa.string(), Kind.NUMBER: pa.float64(), Kind.MOMENT: pa.timestamp("ms", "UTC")}
_SCHEMA: Final = pa.schema([(name, _TYPES[kind]) for name, kind in COLUMNS.items()])
_MOMENTS: Final = [name for name, kind in COLUMNS.items() if kind is Kind.MOMENT]


class Parquet:
    """Writes one file."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._file = pq.ParquetWriter(self._sink, _SCHEMA, compression="zstd")

    def page(self, items: bytes) -> bytes:
        """Return the next piece."""
        rows = [cells(job) for job in orjson.loads(items)]
        for row in rows:
            for name in _MOMENTS:
                row[name] = None if row[name] is None else datetime.fromisoformat(row[name])
        self._file.write_table(pa.Table.from_pylist(rows, _SCHEMA))
        return self._sink.taken()

    def end(self) -> bytes:
        """Return the last piece."""
        self._file.close()
        return self._sink.taken()


class _Sink:
    """A file that is taken away as it is written."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Do nothing: whatever is written can be taken at once."""

    def close(self) -> None:
        """Do nothing: nothing is open."""

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
