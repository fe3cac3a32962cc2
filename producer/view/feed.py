"""The live feed: every committed result goes once to each group of listeners that want the same, in order.

Listeners with the same filter share one short memory and keep only their place in it; who is overtaken by its end is
cut off. A listener that resumes reads from the feed's own memory or, further back, from the topic.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from producer.store.base import JobRow
from producer.view.errors import SlowListener
from producer.view.eventid import EventIds
from producer.view.live import LiveFilter, LiveResult

KEPT: Final = 4096
GROUP_KEPT: Final = 2048
_PACE_S: Final = 0.0001
"""How much longer a group's listeners are left to gather results for each of them there is."""

_Key = tuple[str | None, str | None, bytes | None]


@dataclass(frozen=True, slots=True)
class _Kept:
    partition: int
    offset: int
    row: JobRow
    data: bytes


@dataclass(slots=True, eq=False)
class Group:
    """Listeners that want the same, and the latest of what they want."""

    key: _Key
    results: deque[LiveResult] = field(default_factory=lambda: deque(maxlen=GROUP_KEPT))
    count: int = 0
    """Results ever put in; the last of ``results`` has this number."""
    members: int = 0
    more: asyncio.Event = field(default_factory=asyncio.Event)
    waking: bool = False

    def put(self, result: LiveResult) -> None:
        """Add a result and see to it that the listeners wake soon, and not for each result."""
        self.results.append(result)
        self.count += 1
        if not self.waking:
            self.waking = True
            asyncio.get_running_loop().call_later(self.members * _PACE_S, self._wake)

    def since(self, number: int) -> Sequence[LiveResult]:
        """Return the results after a number.

        Raises:
            SlowListener: some of them are gone.
        """
        missing = self.count - number
        if missing > len(self.results):
            raise SlowListener("the listener fell too far behind; resume with Last-Event-ID")
        return [] if missing == 0 else list(self.results)[-missing:]

    def _wake(self) -> None:
        self.waking = False
        self.more.set()
        self.more = asyncio.Event()


class Feed:
    """Where results are put as the view takes them in, and where listeners find them."""

    def __init__(self) -> None:
        self._groups: dict[_Key, Group] = {}
        self._kept: deque[_Kept] = deque()
        self._floor: list[int] = []
        self._positions: list[int] = []
        self._ids: EventIds | None = None

    @property
    def ids(self) -> EventIds | None:
        """Return the writer of event ids, None before the feed has begun."""
        return self._ids

    @property
    def floor(self) -> Sequence[int]:
        """Positions from which on results are in memory."""
        return self._floor

    @property
    def positions(self) -> Sequence[int]:
        """Positions after the last result put in."""
        return self._positions

    @property
    def listeners(self) -> int:
        """Number of listeners that are live."""
        return sum(group.members for group in self._groups.values())

    def begin(self, ids: EventIds, positions: Mapping[int, int]) -> None:
        """Start at positions; results before them are never put in, results at or after them once."""
        at = [positions.get(partition, 0) for partition in range(max(positions, default=-1) + 1)]
        if any(now < before for now, before in zip(at, self._positions, strict=False)):
            self._kept.clear()
            self._floor = list(at)
        else:
            self._floor += at[len(self._floor) :]
        self._positions = at
        self._ids = ids

    def put(self, row: JobRow, data: bytes) -> None:
        """Hand one result to everybody who wants it."""
        partition = row.partition
        self._positions[partition] = row.offset + 1
        if len(self._kept) >= KEPT:
            oldest = self._kept.popleft()
            self._floor[oldest.partition] = oldest.offset + 1
        self._kept.append(_Kept(partition, row.offset, row, data))
        if self._groups and self._ids is not None:
            wanting = [group for key in _keys(row) if (group := self._groups.get(key)) is not None]
            if wanting:
                result = LiveResult(self._ids.write(self._positions), one_line(data), partition, row.offset)
                for group in wanting:
                    group.put(result)

    def recent(self, wanted: LiveFilter, after: list[int]) -> Iterator[LiveResult]:
        """Return kept results at or after positions, moving the positions along."""
        ids = self._ids
        if ids is None:
            return
        for kept in self._kept:
            if kept.offset >= after[kept.partition]:
                after[kept.partition] = kept.offset + 1
                if wants(wanted, kept.row):
                    yield LiveResult(ids.write(after), one_line(kept.data), kept.partition, kept.offset)

    def join(self, wanted: LiveFilter) -> Group:
        """Become a member of the group that wants this, from the next result on."""
        key = _key(wanted)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(key)
        group.members += 1
        return group

    def part(self, group: Group) -> None:
        """End a membership."""
        group.members -= 1
        if not group.members:
            self._groups.pop(group.key, None)


def one_line(data: bytes) -> bytes:
    """Return JSON without line breaks (within texts they are escaped), as an event stream needs it."""
    return data.translate(None, b"\r\n")


def wants(wanted: LiveFilter, row: JobRow) -> bool:
    """Whether a filter lets a result through."""
    return _key(wanted) in _keys(row)


def _key(wanted: LiveFilter) -> _Key:
    job_id = None if wanted.job_id is None else bytes.fromhex(wanted.job_id.replace("-", ""))
    return wanted.county_id, wanted.batch_id, job_id


def _keys(row: JobRow) -> Sequence[_Key]:
    """Return the keys of all groups that want a result."""
    county, batch, job = row.county_id, row.batch_id, row.job_id
    keys: list[_Key] = [(None, None, None), (county, None, None), (None, None, job), (county, None, job)]
    if batch is not None:
        keys += [(None, batch, None), (county, batch, None), (None, batch, job), (county, batch, job)]
    return keys
