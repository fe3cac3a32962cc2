"""One county's properties in columns, with rows found by property id."""

from collections.abc import Iterable, Sequence
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from processor.roll.columns import Columns
from processor.roll.fields import STANDARD
from processor.roll.records import Entry
from processor.roll.rows import Rows
from processor.roll.saving import Saved, restore_columns, save_columns
from processor.roll.sections import Sections, Writer
from processor.valuation.frame import Frame, Ints

Digests = NDArray[np.uint64]


class CountyRoll:
    """The properties of one county.

    Any thread may read while one thread writes; a reader sees a property wholly before or wholly after an update.
    A row found stays that property's, or unknown everywhere, for the next 65,536 deletions.
    """

    def __init__(self, county_id: str) -> None:
        self.county_id = county_id
        self.changes = 0
        """Grows with every change; equal numbers mean equal content."""
        self.refused = 0
        """Values passed over because they were of the wrong kind or out of bounds."""
        self._rows = Rows()
        self._columns = Columns(STANDARD)
        self._digests: Digests = np.zeros(0, dtype=np.uint64)
        self._lock = RLock()

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, property_id: str) -> bool:
        return property_id in self._rows

    def property_ids(self) -> list[str]:
        """Return the id of every property."""
        with self._lock:
            return self._rows.ids()

    def names(self) -> frozenset[str]:
        """Return the names of the characteristics that some property has, or once had."""
        return self._columns.names()

    def find(self, property_ids: Sequence[str]) -> Ints:
        """Return the row of each property, -1 where the roll holds none of that id."""
        with self._lock:
            return self._rows.find(property_ids)

    def frame(self, rows: Ints) -> Frame:
        """Return a copy of the rows' characteristics; row -1 is unknown in everything."""
        with self._lock:
            return self._columns.read(rows) if (rows >= 0).all() else self._with_gaps(rows)

    def lookup(self, property_ids: Sequence[str]) -> tuple[Ints, Frame]:
        """Return rows and characteristics of properties as of one moment."""
        with self._lock:
            rows = self.find(property_ids)
            return rows, self.frame(rows)

    def digests(self, rows: Ints) -> Digests:
        """Return 64 bits of a hash over each row's record; 0 for row -1."""
        with self._lock:
            digests = np.zeros(len(rows), dtype=np.uint64)
            digests[rows >= 0] = self._digests[rows[rows >= 0]]
            return digests

    def apply(self, entries: Iterable[Entry]) -> None:
        """Take in records of this county in their order; the last word on a property counts."""
        last = {entry.own_id: entry for entry in entries}
        with self._lock:
            self._remove([own_id for own_id, entry in last.items() if entry.members is None])
            self._put([entry for entry in last.values() if entry.members is not None])

    def save(self, writer: Writer, name: str) -> None:
        """Write the county as sections of a name, while updates may go on: each column is as of its own moment."""
        with self._lock:
            ids, rows, (numeric, text) = self._rows.ids(), self._rows.used(), self._columns.kinds()
        writer.document(f"{name}/ids", ids)
        writer.array(f"{name}/digests", self.digests(rows))
        save_columns(writer, name, Saved(self._columns, self._lock, rows, numeric, text))

    def restore(self, sections: Sections, name: str) -> None:
        """Take over what ``save`` has written; the county was empty before."""
        self._rows.restore(sections.document(f"{name}/ids"))
        self._digests = sections.array(f"{name}/digests")
        restore_columns(sections, name, self._columns, self._rows.size)
        self.changes += 1

    def begin_reload(self) -> None:
        """Start to note which properties come again."""
        with self._lock:
            self._rows.begin_reload()

    def finish_reload(self) -> None:
        """Remove the properties that did not come again."""
        with self._lock:
            self._remove(self._rows.unseen())

    def _put(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        rows = self._rows.allocate(entry.own_id for entry in entries)
        names = STANDARD.keys() | set().union(*(entry.features for entry in entries))
        self.refused += self._columns.write(rows, [entry.members or {} for entry in entries], names, self._rows.size)
        if self._rows.size > len(self._digests):
            self._digests = np.concatenate([self._digests, np.zeros(max(1024, self._rows.size), dtype=np.uint64)])
        self._digests[rows] = np.array([entry.digest for entry in entries], dtype=np.uint64)
        self.changes += 1

    def _remove(self, property_ids: Iterable[str]) -> None:
        rows = self._rows.release(property_ids)
        if len(rows):
            self._columns.blank(rows)
            self._digests[rows] = 0
            self.changes += 1

    def _with_gaps(self, rows: Ints) -> Frame:
        """Read rows of which some are -1: the gaps borrow row 0 and are blanked."""
        gaps = rows < 0
        if not self._rows.size:
            return Frame(len(rows), {}, {})
        frame = self._columns.read(np.where(gaps, 0, rows))
        for numbers in frame.numeric.values():
            numbers[gaps] = np.nan
        for texts in frame.text.values():
            texts[gaps] = None
        return frame
