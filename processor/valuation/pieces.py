"""Texts of a batch as JSON: names, dates, lists of names."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
import orjson

from processor.valuation.frame import Objects
from processor.valuation.plausibility import Bools

_EPOCH: Final = date(1970, 1, 1)


def texts(values: Sequence[bytes]) -> Objects:
    """Return texts as an object array."""
    table = np.empty(len(values), dtype=object)
    table[:] = values
    return table


def written(values: Sequence[str | None]) -> Objects:
    """Write texts as JSON, null for None."""
    return texts([_json(value) for value in values])


@lru_cache(maxsize=65_536)
def _json(value: str | None) -> bytes:
    return quoted(value)


def quoted(value: str | None) -> bytes:
    """Write a text as JSON to be kept: copied, because orjson's buffers keep a kilobyte each while they live."""
    return bytes(memoryview(orjson.dumps(value)))


@lru_cache(maxsize=4096)
def iso_day(day: int) -> bytes:
    """Write days since 1970-01-01 as an ISO date."""
    return (_EPOCH + timedelta(days=day)).isoformat().encode()


def name_lists(names: Sequence[str], marked: Bools) -> list[bytes]:
    """Return for each row the JSON list of the names it is marked with; equal rows are written once."""
    lists = [b"[]"] * len(marked)
    seen: dict[bytes, bytes] = {}
    for row in np.flatnonzero(marked.any(axis=1)).tolist():
        key = marked[row].tobytes()
        if key not in seen:
            seen[key] = orjson.dumps([names[position] for position in np.flatnonzero(marked[row]).tolist()])
        lists[row] = seen[key]
    return lists
