"""What is recorded of each sale beside characteristics, in growing columns by row."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processor.roll.records import SaleEntry
from processor.valuation.frame import Ints

_FIRST_CAPACITY: Final = 1024
KINDS: Final = {
    "sale_id": np.object_,
    "property_id": np.object_,
    "document_number": np.object_,
    "ineligible": np.object_,
    "day": np.int64,
    "known_day": np.int64,
    "price": np.float64,
    "digest": np.uint64,
    "bare": np.bool_,
}


class Ledger:
    """One row a sale; the owner says which rows are in use, and locks."""

    def __init__(self) -> None:
        self._columns: dict[str, NDArray[np.generic]] = {name: np.zeros(0, dtype=kind) for name, kind in KINDS.items()}

    def write(self, rows: Ints, entries: Sequence[SaleEntry], bare: Sequence[bool], size: int) -> None:
        """Write one sale to each row of a table of ``size`` rows; ``bare`` sales say nothing of what was sold."""
        self._grow(size)
        values = {
            name: [getattr(entry, name) for entry in entries] for name in KINDS if name not in {"sale_id", "bare"}
        }
        values |= {"sale_id": [entry.own_id for entry in entries], "bare": list(bare)}
        for name, kind in KINDS.items():
            column: NDArray[np.generic] = np.empty(len(rows), dtype=kind)
            column[:] = values[name]
            self._columns[name][rows] = column

    def read(self, name: str, rows: Ints) -> NDArray[np.generic]:
        """Return a copy of a column's rows."""
        return self._columns[name][rows]

    def restore(self, columns: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over whole columns; the ledger was empty before."""
        self._columns = {name: columns[name] for name in KINDS}

    def _grow(self, size: int) -> None:
        for name, column in self._columns.items():
            if size > len(column):
                fresh = np.zeros(max(_FIRST_CAPACITY, 2 * len(column), size), dtype=column.dtype)
                fresh[: len(column)] = column
                self._columns[name] = fresh
