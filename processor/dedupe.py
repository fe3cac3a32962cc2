"""The dedupe window: which jobs a partition has settled lately, exactly, in 26 bytes a job.

A Python set of 100,000 ids takes some 12 MB, and a worker may hold twelve partitions. Here the ids lie in a ring of
16-byte numbers, found through an open-addressing table of ring positions; both are numpy arrays, so that a batch is
looked up in a handful of array operations and single requests with plain integers.
"""

import secrets
import struct
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from typing_extensions import Buffer

WINDOW_SIZE: Final = 100_000
_FEW: Final = 24
"""Up to so many ids at once, plain integers are quicker than arrays."""
_UUID_LENGTH: Final = 36
_DASHES: Final = (8, 13, 18, 23)
_DIGITS: Final = np.array([at for at in range(_UUID_LENGTH) if at not in _DASHES])
_PAIR: Final = struct.Struct("=QQ")
_ALL_BITS: Final = (1 << 64) - 1
_MAX_FILL: Final = 0.7

_Ids = NDArray[np.uint64]
_Slots = NDArray[np.int64]

JobNumbers = _Ids | list[bytes]
"""Job ids as 128-bit numbers: an array of two 64-bit numbers each (in the machine's byte order), or 16 bytes each."""


class Window:
    """The jobs of the last ``size`` requests of a partition; the oldest make room for the newest.

    Not thread-safe: ``Sightings`` guards it.
    """

    def __init__(self, size: int = WINDOW_SIZE) -> None:
        self._size = size
        bits = max(4, (5 * size // 2).bit_length())
        self._ring: _Ids = np.zeros((size, 2), dtype=np.uint64)
        self._bytes = memoryview(cast("Buffer", self._ring.reshape(-1))).cast("B")
        self._table = np.zeros(1 << bits, dtype=np.int32)
        self._entries = memoryview(cast("Buffer", self._table))
        self._mask = (1 << bits) - 1
        self._shift = 64 - bits
        # Random multipliers: nobody can choose ids that all fall into one slot.
        self._spread, self._mix = (secrets.randbits(64) | 1 for _ in range(2))
        self._next = 0
        self._held = 0
        self._used = 0

    def __len__(self) -> int:
        return self._held

    def known(self, numbers: JobNumbers) -> list[int]:
        """Return the positions of the jobs that are in the window."""
        if not self._held:
            return []
        if isinstance(numbers, list):
            return [at for at, number in enumerate(numbers) if self._knows(number)]
        return np.flatnonzero(self._find(numbers)).tolist()

    def add(self, numbers: JobNumbers) -> None:
        """Enter jobs in the order of their requests; one that is there already counts as seen anew."""
        for start in range(0, len(numbers), self._size):
            part = numbers[start : start + self._size]
            self._make_room(len(part))
            if isinstance(part, list):
                for number in part:
                    self._enter(number)
            else:
                self._enter_all(part)

    def _slot(self, number: bytes) -> int:
        high, low = _PAIR.unpack(number)
        mixed: int = (high * self._spread ^ low) * self._mix & _ALL_BITS
        return mixed >> self._shift

    def _slots(self, ids: _Ids) -> _Slots:
        mixed = (ids[:, 0] * np.uint64(self._spread) ^ ids[:, 1]) * np.uint64(self._mix)
        return (mixed >> np.uint64(self._shift)).astype(np.int64)

    def _knows(self, number: bytes) -> bool:
        slot = self._slot(number)
        while entry := self._entries[slot]:
            if self._bytes[16 * entry - 16 : 16 * entry] == number:
                return True
            slot = slot + 1 & self._mask
        return False

    def _find(self, ids: _Ids) -> NDArray[np.bool_]:
        found = np.zeros(len(ids), dtype=np.bool_)
        slots = self._slots(ids)
        open_ = np.arange(len(ids))
        while len(open_):
            entries = self._table[slots[open_]]
            open_ = open_[entries > 0]
            held = self._ring[entries[entries > 0] - 1]
            same = (held == ids[open_]).all(axis=1)
            found[open_[same]] = True
            open_ = open_[~same]
            slots[open_] = slots[open_] + 1 & self._mask
        return found

    def _make_room(self, count: int) -> None:
        """Rebuild the table before it fills up: entries of ids that left the ring are only removed here."""
        if self._used + count > _MAX_FILL * len(self._table):
            oldest_first = np.roll(self._ring, -self._next, axis=0)[self._size - self._held :]
            self._table[:] = 0
            self._next = self._held = self._used = 0
            self._enter_all(oldest_first.copy())

    def _enter(self, number: bytes) -> None:
        at = self._next
        self._bytes[16 * at : 16 * at + 16] = number
        slot = self._slot(number)
        while self._entries[slot]:
            slot = slot + 1 & self._mask
        self._entries[slot] = at + 1
        self._advance(1)

    def _enter_all(self, ids: _Ids) -> None:
        at = (self._next + np.arange(len(ids))) % self._size
        self._ring[at] = ids
        entries = (at + 1).astype(np.int32)
        slots = self._slots(ids)
        while len(slots):
            free = self._table[slots] == 0
            self._table[slots[free]] = entries[free]
            # Several ids may want one free slot: the last to write has it, the others move on.
            placed = free & (self._table[slots] == entries)
            slots, entries = slots[~placed] + 1 & self._mask, entries[~placed]
        self._advance(len(ids))

    def _advance(self, count: int) -> None:
        self._next = (self._next + count) % self._size
        self._held = min(self._held + count, self._size)
        self._used += count


class Sightings:
    """Which jobs of a partition have been seen: those settled (the window) and those of batches still in hand.

    A batch enters its jobs under a ticket; they move into the window when its transaction has committed. Thread-safe:
    the handler may enter a batch in its thread while the lane settles another one.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._in_hand: dict[int, list[tuple[Sequence[str], JobNumbers]]] = {}
        self._waiting: set[str] = set()
        self._lock = Lock()

    def enter(self, ticket: int, job_ids: Sequence[str]) -> list[int]:
        """Enter jobs, by canonical ids, in the order of their requests; return the positions of those seen before."""
        numbers = job_numbers(job_ids)
        with self._lock:
            self._in_hand.setdefault(ticket, []).append((job_ids, numbers))
            known = self._window.known(numbers)
            before = len(self._waiting)
            if not known and self._waiting.isdisjoint(job_ids):
                self._waiting.update(job_ids)
                if len(self._waiting) == before + len(job_ids):
                    return []
                self._waiting.difference_update(job_ids)
            return list(self._repeated(job_ids, set(known)))

    def settle(self, ticket: int) -> None:
        """Move the jobs of a committed batch into the window."""
        with self._lock:
            for _, numbers in self._in_hand.pop(ticket, ()):
                self._window.add(numbers)
            self._waiting = {job_id for parts in self._in_hand.values() for part, _ in parts for job_id in part}

    def _repeated(self, job_ids: Sequence[str], known: set[int]) -> Iterable[int]:
        for position, job_id in enumerate(job_ids):
            if position in known or job_id in self._waiting:
                yield position
            self._waiting.add(job_id)


def job_numbers(job_ids: Sequence[str]) -> JobNumbers:
    """Return canonical UUID texts as what they stand for, 16 bytes each: many in an array, a few one by one."""
    if len(job_ids) <= _FEW:
        return [bytes.fromhex(job_id.replace("-", "")) for job_id in job_ids]
    characters = np.frombuffer("".join(job_ids).encode("ascii"), dtype=np.uint8).reshape(-1, _UUID_LENGTH)
    digits = characters[:, _DIGITS]
    nibbles = (digits & 15) + 9 * (digits >> 6)
    return np.ascontiguousarray(nibbles[:, 0::2] << 4 | nibbles[:, 1::2]).view(np.uint64)
