"""Parquet files as chunks of columns."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.tabular.errors import FileUnusable
from schemas.tabular.files import CHUNK_ROWS, Chunk


class ParquetFile:
    """A Parquet file; "lines" are the numbers of its rows, from 1."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with pq.ParquetFile(path) as file:
                self._names: list[str] = list(file.schema_arrow.names)
        except (OSError, pa.ArrowException) as error:
            raise FileUnusable(f"{path}: cannot be read: {error}") from error
        self.header: Sequence[str] = [name.strip() for name in self._names]

    def chunks(self, names: Sequence[str]) -> Iterator[Chunk]:
        """Read the named columns from the start, in that order; see ``TableFile``."""
        wanted = [self._names[self.header.index(name)] for name in names]
        start = 1
        try:
            with pq.ParquetFile(self._path) as file:
                for batch in file.iter_batches(CHUNK_ROWS, columns=list(dict.fromkeys(wanted))):
                    columns = {name: batch.column(name).to_pylist() for name in dict.fromkeys(wanted)}
                    yield Chunk(range(start, start + batch.num_rows), [columns[name] for name in wanted], ())
                    start += batch.num_rows
        except (OSError, pa.ArrowException) as error:
            raise FileUnusable(f"{self._path}: cannot be read on: {error}") from error
