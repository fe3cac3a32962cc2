"""JSON texts by the batch: every number of a table in one call, and rows put together from pieces."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
import orjson

from processor.valuation.frame import Floats, Objects
from processor.valuation.plausibility import Bools

_EPOCH: Final = date(1970, 1, 1)

Piece = Objects | bytes
"""A text for every row [n], a table of texts [n, k] to be written side by side, or one text for all rows."""


def texts(values: Sequence[bytes]) -> Objects:
    """Return texts as an object array."""
    table = np.empty(len(values), dtype=object)
    table[:] = values
    return table


def tokens(numbers: Floats, suffix: bytes = b"") -> Objects:
    """Write every number as JSON, in the same shape: shortest form, no fraction where there is none, NaN as null."""
    flat = np.ascontiguousarray(numbers, dtype=np.float64).ravel() + 0.0  # -0.0 becomes 0.0
    if not len(flat):
        return np.empty(numbers.shape, dtype=object)
    text = orjson.dumps(flat, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1] + b","
    text = text.replace(b".0,", b",").replace(b",", suffix + b"\n")
    return texts(text[:-1].split(b"\n")).reshape(numbers.shape)


def written(values: Sequence[str | None]) -> Objects:
    """Write texts as JSON, null for None."""
    return texts([_json(value) for value in values])


@lru_cache(maxsize=65_536)
def _json(value: str | None) -> bytes:
    return quoted(value)


def quoted(value: str | None) -> bytes:
    """Write a text as JSON to be kept: copied, because orjson's buffers keep a kilobyte each while they live."""
    return bytes(memoryview(orjson.dumps(value)))


def shown(where: Bools, piece: Piece) -> Objects:
    """Return the piece where it is to be shown and nothing elsewhere."""
    if isinstance(piece, bytes):
        return texts([b"", piece])[where.astype(np.intp)]
    return piece if where.all() else np.where(where, piece, b"")


def comma(rank: int) -> bytes:
    """Return the comma before the member of that rank."""
    return b"," if rank else b""


@lru_cache(maxsize=4096)
def iso_day(day: int) -> bytes:
    """Write days since 1970-01-01 as an ISO date."""
    return (_EPOCH + timedelta(days=day)).isoformat().encode()


def name_lists(names: Sequence[str], marked: Bools) -> Objects:
    """Return for each row the JSON list of the names it is marked with; equal rows are written once."""
    lists = np.full(len(marked), b"[]", dtype=object)
    seen: dict[bytes, bytes] = {}
    for row in np.flatnonzero(marked.any(axis=1)).tolist():
        key = marked[row].tobytes()
        if key not in seen:
            seen[key] = orjson.dumps([names[position] for position in np.flatnonzero(marked[row]).tolist()])
        lists[row] = seen[key]
    return lists


def _parts(piece: Piece) -> Sequence[bytes]:
    """Return the texts of the only row's piece."""
    if isinstance(piece, bytes):
        return (piece,)
    parts: list[bytes] = piece.ravel().tolist()
    return parts


def joined(pieces: Sequence[Piece], rows: int) -> list[bytes]:
    """Concatenate the pieces of every row."""
    if rows == 1:
        return [b"".join([part for piece in pieces for part in _parts(piece)])]
    widths = [piece.shape[1] if isinstance(piece, np.ndarray) and piece.ndim > 1 else 1 for piece in pieces]
    table = np.empty((rows, sum(widths)), dtype=object)
    column = 0
    for piece, width in zip(pieces, widths, strict=True):
        table[:, column : column + width] = piece.reshape(rows, width) if isinstance(piece, np.ndarray) else piece
        column += width
    return [b"".join(row) for row in table.tolist()]
