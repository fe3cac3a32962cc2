"""Files as chunks of columns: CSV of any dialect, line by line, and Parquet; memory is bounded by the chunk."""

import codecs
import gzip
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import IO, Final, Protocol

from schemas.tabular.delimited import RaggedRow, Row, read_header, read_rows
from schemas.tabular.errors import FileUnusable
from schemas.tabular.mapping import FileOptions

CHUNK_ROWS: Final = 10_000
_DELIMITERS: Final = ",;\t|"
_BLOCK: Final = 1 << 20
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_PARQUET: Final = b"PAR1"
_GZIP: Final = b"\x1f\x8b"
_HEADER_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file: the line where each begins, the asked-for columns, and lines that are no rows."""

    lines: Sequence[int]
    columns: Sequence[Sequence[object]]
    ragged: Sequence[RaggedRow]


class TableFile(Protocol):
    """A file with named columns."""

    @property
    def header(self) -> Sequence[str]:
        """The names of the columns, stripped of spaces around them."""
        ...

    def chunks(self, names: Sequence[str]) -> Iterator[Chunk]:
        """Read the named columns from the start, in that order; may be called again."""
        ...


def open_table(path: Path, options: FileOptions) -> TableFile:
    """Open a CSV or Parquet file, gzipped CSV too, and read its header.

    Raises:
        FileUnusable: there is no such file, or it is no table.
    """
    try:
        with path.open("rb") as file:
            is_parquet = file.read(len(_PARQUET)) == _PARQUET
    except OSError as error:
        raise FileUnusable(f"{path}: cannot be read: {error.strerror or error}") from error
    if is_parquet:
        from schemas.tabular.parquet import ParquetFile  # noqa: PLC0415 - start-up time, and CSV needs none of it

        return ParquetFile(path)
    return CsvFile(path, options)


class CsvFile:
    """A delimited text file; delimiter and encoding are found out where the mapping does not say them."""

    def __init__(self, path: Path, options: FileOptions) -> None:
        self._path = path
        try:
            self._encoding = options.encoding or _encoding(path)
            first = self._first_lines()
        except (OSError, EOFError, LookupError, UnicodeError) as error:
            raise FileUnusable(f"{path}: cannot be read: {error}") from error
        self._delimiter = options.delimiter or max(_DELIMITERS, key="".join(first[:1]).count)
        self.header: Sequence[str] = read_header(first, self._delimiter)
        if not any(self.header):
            raise FileUnusable(f"{path}: has no header")

    def chunks(self, names: Sequence[str]) -> Iterator[Chunk]:
        """Read the named columns from the start, in that order; see ``TableFile``.

        Raises:
            FileUnusable: the bytes are not of the encoding that the mapping names.
        """
        wanted = [self.header.index(name) for name in names]
        try:
            with _opened(self._path) as raw, TextIOWrapper(raw, encoding=self._encoding, newline="") as lines:
                for rows in _batched(read_rows(lines, self._delimiter, len(self.header)), CHUNK_ROWS):
                    yield _chunk(rows, wanted)
        except (OSError, UnicodeError) as error:
            raise FileUnusable(f"{self._path}: cannot be read on: {error}") from error

    def _first_lines(self) -> list[str]:
        with _opened(self._path) as raw, TextIOWrapper(raw, encoding=self._encoding, newline="") as lines:
            return list(islice(lines, _HEADER_LINES))


def _chunk(rows: Sequence[Row | RaggedRow], wanted: Sequence[int]) -> Chunk:
    whole = [row for row in rows if isinstance(row, Row)]
    return Chunk(
        [row.line for row in whole],
        [[row.fields[at] for row in whole] for at in wanted],
        [row for row in rows if isinstance(row, RaggedRow)],
    )


def _batched(rows: Iterable[Row | RaggedRow], size: int) -> Iterator[list[Row | RaggedRow]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        zipped = raw.read(len(_GZIP)) == _GZIP
        raw.seek(0)
        if not zipped:
            yield raw
            return
        with gzip.open(raw) as unzipped:
            yield unzipped  # type: ignore[misc] # a GzipFile reads as any binary file does


def _encoding(path: Path) -> str:
    """Find out how a file is encoded: by its mark, else UTF-8 if all of it is, else Latin-1, which anything is."""
    with _opened(path) as raw:
        start = raw.read(_BLOCK)
        for mark, encoding in _MARKS:
            if start.startswith(mark):
                return encoding
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while start:
                decoder.decode(start)
                start = raw.read(_BLOCK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8"
