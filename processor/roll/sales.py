"""One county's pool of sales, and the immutable snapshots of it that engines and trainings read."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from threading import RLock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processor.roll.columns import Columns
from processor.roll.county import CountyRoll, Digests
from processor.roll.fields import STANDARD
from processor.roll.ledger import KINDS, Ledger
from processor.roll.records import SaleEntry
from processor.roll.rows import Rows
from processor.roll.saving import Saved, restore_columns, save_columns
from processor.roll.sections import Sections, Writer
from processor.valuation.frame import Frame, Sales

_REBUILD_SHARE: Final = 20
"""A snapshot rests for this many times the duration of its making: rebuilding takes at most 5 % of the time."""
_SHORTEST_REST: Final = 0.2
_NO_CHARACTERISTICS: Final = frozenset({"assessed_value"})
"""What the roll says of a property and no sale should be given: today's assessment may rest on that very sale."""
_ODD: Final = 0x9E3779B97F4A7C15

Clock = Callable[[], float]


class SalesPool:
    """The sales of one county.

    Any thread may take snapshots while one thread writes. Characteristics a sale does not carry are joined from the
    roll: all of them where it carries none, else the columns that no sale of the pool carries.
    """

    def __init__(self, roll: CountyRoll, clock: Clock) -> None:
        self.refused = 0
        """Values passed over because they were of the wrong kind or out of bounds."""
        self._roll = roll
        self._clock = clock
        self._rows = Rows(quarantine=0)
        self._columns = Columns(STANDARD)
        self._ledger = Ledger()
        self._changes = 0
        self._lock = RLock()
        self._snapshot: Sales | None = None
        self._joined = False
        self._made_of: tuple[int, int, frozenset[str]] = (0, 0, frozenset())
        self._rest_until = 0.0

    def __len__(self) -> int:
        return len(self._rows)

    def apply(self, entries: Iterable[SaleEntry]) -> None:
        """Take in records of this county in their order; the last word on a sale counts."""
        last = {entry.own_id: entry for entry in entries}
        with self._lock:
            self._remove([own_id for own_id, entry in last.items() if entry.members is None])
            self._put([entry for entry in last.values() if entry.members is not None])

    def save(self, writer: Writer, name: str) -> None:
        """Write the pool as sections of a name, while updates may go on: each column is as of its own moment."""
        with self._lock:
            rows, (numeric, text) = self._rows.used(), self._columns.kinds()
            writer.document(f"{name}/ids", self._rows.ids())
        for column in KINDS:
            with self._lock:
                values = self._ledger.read(column, rows)
            if values.dtype == np.object_:
                writer.document(f"{name}/ledger/{column}", values.tolist())
            else:
                writer.array(f"{name}/ledger/{column}", values)
        save_columns(writer, name, Saved(self._columns, self._lock, rows, numeric, text))

    def restore(self, sections: Sections, name: str) -> None:
        """Take over what ``save`` has written; the pool was empty before."""
        self._rows.restore(sections.document(f"{name}/ids"))
        self._ledger.restore(
            {column: _restored(sections, f"{name}/ledger/{column}", KINDS[column]) for column in KINDS}
        )
        restore_columns(sections, name, self._columns, self._rows.size)
        self._changes += 1

    def begin_reload(self) -> None:
        """Start to note which sales come again."""
        with self._lock:
            self._rows.begin_reload()

    def finish_reload(self) -> None:
        """Remove the sales that did not come again."""
        with self._lock:
            self._remove(self._rows.unseen())

    def snapshot(self) -> Sales:
        """Return the pool, in order of days; the same object while nothing changed.

        Costs nothing when unchanged. After a change it is made anew, but not more often than 5 % of the time allows:
        a pool of 5,000 sales is at most 0.2 s old, one of a million some seconds.
        """
        with self._lock:
            now = self._clock()
            if self._snapshot is None or (now >= self._rest_until and self._state() != self._made_of):
                made = self._make()
                if self._snapshot is None or made.version != self._snapshot.version:
                    self._snapshot = made
                self._made_of = self._state()
                end = self._clock()
                self._rest_until = end + max(_SHORTEST_REST, _REBUILD_SHARE * (end - now))
            return self._snapshot

    def _state(self) -> tuple[int, int, frozenset[str]]:
        return self._changes, self._roll.changes if self._joined else 0, self._roll.names()

    def _put(self, entries: Sequence[SaleEntry]) -> None:
        if not entries:
            return
        rows = self._rows.allocate(entry.own_id for entry in entries)
        names = STANDARD.keys() | set().union(*(entry.features for entry in entries))
        self.refused += self._columns.write(rows, [entry.members or {} for entry in entries], names, self._rows.size)
        self._ledger.write(rows, entries, [not _carries(entry) for entry in entries], self._rows.size)
        self._changes += 1

    def _remove(self, sale_ids: Iterable[str]) -> None:
        rows = self._rows.release(sale_ids)
        if len(rows):
            self._columns.blank(rows)
            self._changes += 1

    def _make(self) -> Sales:
        rows = self._rows.used()
        digests: Digests = self._ledger.read("digest", rows).astype(np.uint64)
        # By day and content: an order that arrival has no part in.
        order = np.lexsort((digests, self._ledger.read("day", rows)))
        rows, digests = rows[order], digests[order]
        column = partial(self._ledger.read, rows=rows)
        frame, joined = self._join(column("property_id"), column("bare").astype(np.bool_), self._columns.read(rows))
        self._joined = joined is not None
        version = int(digests.sum(dtype=np.uint64))
        if joined is not None:
            # Multiplied so that a sale and a property of equal bytes cannot cancel out.
            version ^= int((joined * np.uint64(_ODD)).sum(dtype=np.uint64))
        return Sales(
            sale_id=column("sale_id").astype(np.object_),
            property_id=column("property_id").astype(np.object_),
            document_number=column("document_number").astype(np.object_),
            day=column("day").astype(np.int64),
            known_day=column("known_day").astype(np.int64),
            price=column("price").astype(np.float64),
            ineligible=column("ineligible").astype(np.object_),
            frame=frame,
            version=f"{len(rows)}-{version:016x}",
        )

    def _join(
        self, property_ids: NDArray[np.generic], bare: NDArray[np.bool_], frame: Frame
    ) -> tuple[Frame, Digests | None]:
        """Fill in from the roll; returns also the digests of the property records that were used, None for none."""
        lacking = self._roll.names() - self._columns.names() - _NO_CHARACTERISTICS
        if not lacking and not bare.any():
            return frame, None
        roll_rows, found = self._roll.lookup(property_ids.tolist())
        every = np.ones(frame.n, dtype=np.bool_)
        numeric, text = dict(frame.numeric), dict(frame.text)
        for name, numbers in found.numeric.items():
            if name in _NO_CHARACTERISTICS:
                continue
            numeric[name] = np.where(every if name in lacking else bare, numbers, frame.number(name))
        for name, texts in found.text.items():
            text[name] = np.where(every if name in lacking else bare, texts, frame.words(name))
        return Frame(frame.n, numeric, text), self._roll.digests(np.where(bare | bool(lacking), roll_rows, -1))


def _restored(sections: Sections, name: str, kind: type[np.generic]) -> NDArray[np.generic]:
    if kind is not np.object_:
        found: NDArray[np.generic] = sections.array(name)
        return found
    values = sections.document(name)
    objects: NDArray[np.generic] = np.empty(len(values), dtype=np.object_)
    objects[:] = values
    return objects


def no_sales() -> Sales:
    """Return the snapshot of a pool without sales."""
    return SalesPool(CountyRoll(""), float).snapshot()


def _carries(entry: SaleEntry) -> bool:
    """Tell whether the sale's record says anything of what was sold."""
    members = entry.members or {}
    return any(members.get(name) is not None for name in (*STANDARD, *entry.features))
