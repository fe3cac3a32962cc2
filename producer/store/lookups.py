"""Looks up together what is asked for at the same time: one trip to a reading thread serves many callers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Final

_TOGETHER: Final = 256
_TRIPS: Final = 1
"""The longer one takes, the more the next one serves; more at a time cost threads their turns."""

_Future = asyncio.Future[bytes | None]
Find = Callable[[Sequence[bytes]], Awaitable[Mapping[bytes, bytes]]]


class Lookups:
    """Coalesces lookups by id. A lookup never joins a trip that has already left, so it sees all that was stored."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._waiting: dict[bytes, list[_Future]] = {}
        self._trips: set[asyncio.Task[None]] = set()

    async def find(self, job_id: bytes) -> bytes | None:
        """Return what is stored for an id, None where nothing is."""
        future: _Future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(job_id, []).append(future)
        self._leave()
        return await future

    def _leave(self) -> None:
        if self._waiting and len(self._trips) < _TRIPS:
            trip = asyncio.create_task(self._trip())
            self._trips.add(trip)
            trip.add_done_callback(self._returned)

    def _returned(self, trip: asyncio.Task[None]) -> None:
        self._trips.discard(trip)
        self._leave()

    async def _trip(self) -> None:
        ids = list(islice(self._waiting, _TOGETHER))
        asked = {job_id: self._waiting.pop(job_id) for job_id in ids}
        if not asked:
            return
        try:
            found = await self._find(ids)
        except Exception as wrong:  # noqa: BLE001 - handed to every caller of this trip
            for future in _unanswered(chain.from_iterable(asked.values())):
                future.set_exception(wrong)
            return
        for job_id, futures in asked.items():
            for future in _unanswered(futures):
                future.set_result(found.get(job_id))


def _unanswered(futures: Iterable[_Future]) -> Iterator[_Future]:
    """Return the futures of callers who have not given up meanwhile."""
    return (future for future in futures if not future.done())
