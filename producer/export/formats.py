"""The formats of an export, each written a page at a time, so that an export of any size streams."""

import csv
from enum import StrEnum
from io import StringIO
from typing import Final, Protocol

import orjson

from producer.export.columns import COLUMNS, cells

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""


class Format(StrEnum):
    """How an export is written."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"

    @property
    def media_type(self) -> str:
        """Return the media type, without parameters."""
        return _MEDIA_TYPES[self]

    @property
    def content_type(self) -> str:
        """Return the Content-Type of an answer."""
        return f"{self.media_type}; charset=utf-8; header=present" if self is Format.CSV else self.media_type


_MEDIA_TYPES: Final = {
    Format.NDJSON: "application/x-ndjson",
    Format.CSV: "text/csv",
    Format.PARQUET: "application/vnd.apache.parquet",
}


class Writer(Protocol):
    """Turns pages of jobs into pieces of one file."""

    def page(self, items: bytes) -> bytes:
        """Return the next piece for a page, a JSON array of jobs with results."""

    def end(self) -> bytes:
        """Return the last piece, after at least one page."""


def writer(kind: Format) -> Writer:
    """Return a writer of a new file."""
    if kind is Format.NDJSON:
        return Lines()
    if kind is Format.CSV:
        return Csv()
    from producer.export.parquet import Parquet  # noqa: PLC0415 - start-up time, and memory until somebody asks

    return Parquet()


class Lines:
    """One job a line, all that is known of it."""

    @staticmethod
    def page(items: bytes) -> bytes:
        """Return the next lines."""
        return b"".join(orjson.dumps(job, option=orjson.OPT_APPEND_NEWLINE) for job in orjson.loads(items))

    @staticmethod
    def end() -> bytes:
        """Return nothing."""
        return b""


class Csv:
    """RFC 4180 with a header; text that a spreadsheet would take for a formula is set behind an apostrophe."""

    def __init__(self) -> None:
        self._header = [list(COLUMNS)]

    def page(self, items: bytes) -> bytes:
        """Return the next lines, the header before the first."""
        text = StringIO()
        lines = csv.writer(text)
        lines.writerows(self._header)
        self._header = []
        lines.writerows([_shown(cell) for cell in cells(job).values()] for job in orjson.loads(items))
        return text.getvalue().encode()

    @staticmethod
    def end() -> bytes:
        """Return nothing."""
        return b""


def _shown(cell: object) -> object:
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else cell
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
