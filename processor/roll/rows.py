"""Which row of the columns an id has: allocation, release, and the sweep that ends a reload."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Final

import numpy as np

from processor.valuation.frame import Ints

_QUARANTINE: Final = 65_536
"""Released rows rest until this many others were released, so that a row found just before is not yet another id's."""


class Rows:
    """Row numbers by id, stamped with the reload that last saw them."""

    def __init__(self, quarantine: int = _QUARANTINE) -> None:
        self._row_of: dict[str, int] = {}
        self._seen_in: dict[int, int] = {}
        self._released: deque[int] = deque()
        self._quarantine = quarantine
        self._reload = 0
        self.size = 0

    def __len__(self) -> int:
        return len(self._row_of)

    def __contains__(self, own_id: str) -> bool:
        return own_id in self._row_of

    def ids(self) -> list[str]:
        """Return every id, in the order of its first appearance."""
        return list(self._row_of)

    def restore(self, ids: Sequence[str]) -> None:
        """Give an empty table these ids, in rows from 0."""
        self._row_of = dict(zip(ids, range(len(ids)), strict=True))
        self.size = len(ids)

    def used(self) -> Ints:
        """Return the rows of all ids."""
        return np.fromiter(self._row_of.values(), np.int64, len(self._row_of))

    def find(self, ids: Sequence[str]) -> Ints:
        """Return the row of each id, -1 where there is none."""
        return np.fromiter(map(self._row_of.get, ids, repeat(-1)), np.int64, len(ids))

    def allocate(self, ids: Iterable[str]) -> Ints:
        """Return the row of each id, giving new ids a row of their own; every id counts as seen by the reload."""
        row_of, fresh = self._row_of, self._fresh
        rows = [row_of[own_id] if own_id in row_of else fresh(own_id) for own_id in ids]
        if self._reload:
            self._seen_in.update(dict.fromkeys(rows, self._reload))
        return np.array(rows, dtype=np.int64)

    def release(self, ids: Iterable[str]) -> Ints:
        """Forget ids and return the rows they had; unknown ids are passed over."""
        rows = [self._row_of.pop(own_id) for own_id in dict.fromkeys(ids) if own_id in self._row_of]
        self._released.extend(rows)
        return np.array(rows, dtype=np.int64)

    def begin_reload(self) -> None:
        """Start to note which ids are seen."""
        self._reload += 1

    def unseen(self) -> list[str]:
        """Return the ids that were not seen since the reload began, and stop noting."""
        current = self._reload
        gone = [own_id for own_id, row in self._row_of.items() if self._seen_in.get(row) != current]
        self._seen_in = {}
        return gone

    def _fresh(self, own_id: str) -> int:
        if len(self._released) > self._quarantine:
            row = self._released.popleft()
        else:
            row, self.size = self.size, self.size + 1
        self._row_of[own_id] = row
        return row
