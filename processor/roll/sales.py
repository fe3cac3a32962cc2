"""One county's pool of sales, and the immutable snapshots of it that engines and trainings read."""

from collections.abc import Callable, Iterable, Sequence
from threading import RLock
from typing import Final

import numpy as np

from processor.roll.columns import Columns
from processor.roll.county import CountyRoll, Digests
from processor.roll.fields import STANDARD
from processor.roll.records import SaleEntry
from processor.roll.rows import Rows
from processor.valuation.frame import Floats, Frame, Ints, Objects, Sales

_REBUILD_SHARE: Final = 20
"""A snapshot rests for this many times the duration of its making: rebuilding takes at most 5 % of the time."""
_SHORTEST_REST: Final = 0.2

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
        self._entries: dict[str, SaleEntry] = {}
        self._bare: dict[str, bool] = {}
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
        for entry in entries:
            self._bare[entry.own_id] = not _carries(entry)
            entry.members, entry.features = {}, {}  # they live in the columns now
            self._entries[entry.own_id] = entry
        self._changes += 1

    def _remove(self, sale_ids: Iterable[str]) -> None:
        gone = [own_id for own_id in sale_ids if own_id in self._rows]
        if gone:
            self._columns.blank(self._rows.release(gone))
            for own_id in gone:
                del self._entries[own_id], self._bare[own_id]
            self._changes += 1

    def _make(self) -> Sales:
        entries = sorted(self._entries.values(), key=lambda entry: (entry.day, entry.own_id))
        digests: Digests = np.array([entry.digest for entry in entries], dtype=np.uint64)
        frame = self._columns.read(self._rows.find([entry.own_id for entry in entries]))
        frame, joined = self._join(entries, frame)
        self._joined = joined is not None
        version = int(digests.sum(dtype=np.uint64))
        if joined is not None:
            # Multiplied so that a sale and a property of equal bytes cannot cancel out.
            version ^= int((joined * np.uint64(0x9E3779B97F4A7C15)).sum(dtype=np.uint64))
        return Sales(
            sale_id=_objects([entry.own_id for entry in entries]),
            property_id=_objects([entry.property_id for entry in entries]),
            document_number=_objects([entry.document_number for entry in entries]),
            day=_days([entry.day for entry in entries]),
            known_day=_days([entry.known_day for entry in entries]),
            price=_prices(entries),
            ineligible=_objects([entry.ineligible for entry in entries]),
            frame=frame,
            version=f"{len(entries)}-{version:016x}",
        )

    def _join(self, entries: Sequence[SaleEntry], frame: Frame) -> tuple[Frame, Digests | None]:
        bare = np.array([self._bare[entry.own_id] for entry in entries], dtype=np.bool_)
        roll_rows, found = self._roll.lookup([entry.property_id for entry in entries])
        numeric, text = dict(frame.numeric), dict(frame.text)
        taken = bare.copy()
        for name, numbers in found.numeric.items():
            rows = bare if name in numeric or name in text else np.ones(frame.n, dtype=np.bool_)
            taken |= rows
            numeric[name] = np.where(rows, numbers, frame.number(name))
        for name, texts in found.text.items():
            rows = bare if name in frame.numeric or name in frame.text else np.ones(frame.n, dtype=np.bool_)
            taken |= rows
            text[name] = np.where(rows, texts, frame.words(name))
        if not taken.any():
            return frame, None
        return Frame(frame.n, numeric, text), self._roll.digests(np.where(taken, roll_rows, -1))


def no_sales() -> Sales:
    """Return the snapshot of a pool without sales."""
    return SalesPool(CountyRoll(""), float).snapshot()


def _carries(entry: SaleEntry) -> bool:
    """Tell whether the sale's record says anything of what was sold."""
    members = entry.members or {}
    return any(members.get(name) is not None for name in (*STANDARD, *entry.features))


def _objects(values: Sequence[str | None]) -> Objects:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _days(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _prices(entries: Sequence[SaleEntry]) -> Floats:
    return np.array([entry.price for entry in entries], dtype=np.float64)
