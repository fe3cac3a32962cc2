"""Read-your-writes: waits until the view holds what was on the requests topic when the wait began.

One look at the topic's end serves everybody who asked before it left, and nobody who asked later.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from producer.acknowledged import Acknowledged
from producer.store.base import Place
from producer.view.errors import LogUnavailable

_PAUSE_S: Final = 0.05

Ends = Callable[[], Awaitable[Mapping[Place, int]]]


@dataclass(slots=True, eq=False)
class _Ticket:
    reached: asyncio.Future[None]
    waiting: int = 0
    ends: dict[Place, int] = field(default_factory=dict)


class CatchUp:
    """Compares the topic's ends, by the brokers and by what they have acknowledged, with the view's positions."""

    def __init__(self, ends: Ends, acknowledged: Acknowledged | None = None) -> None:
        self._ends = ends
        self._acknowledged = acknowledged or Acknowledged()
        self._positions: dict[Place, int] = {}
        self._next: _Ticket | None = None
        self._looking: asyncio.Task[None] | None = None
        self._looked: list[_Ticket] = []

    async def wait(self, timeout_s: float) -> bool:
        """Return True once the view holds everything up to the ends as of this call; False when time is up."""
        ticket = self._join()
        ticket.waiting += 1
        try:
            done, _ = await asyncio.wait([ticket.reached], timeout=timeout_s)
            return bool(done)
        finally:
            ticket.waiting -= 1

    @property
    def awaited(self) -> bool:
        """Whether anybody is waiting for the view to reach an end."""
        return bool(self._looked)

    def begin(self, positions: Mapping[Place, int]) -> None:
        """Start from other positions, because reading has begun anew."""
        self._positions = dict(positions)
        self._check()

    def forget(self) -> None:
        """Forget what was acknowledged: the topics are others now."""
        self._acknowledged.forget()

    def advance(self, positions: Mapping[Place, int]) -> None:
        """Note that the view has got further."""
        self._positions.update(positions)
        if self._looked:
            self._check()

    async def stop(self) -> None:
        """Stop looking; whoever waits waits for its time to be up."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])

    def _join(self) -> _Ticket:
        if self._next is None:
            self._next = _Ticket(asyncio.get_running_loop().create_future())
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
        return self._next

    async def _look(self) -> None:
        """Serve ticket after ticket; one that nobody waits for any more is let go."""
        while (ticket := self._next) is not None:
            self._next = None
            while ticket.waiting:
                try:
                    ticket.ends = self._acknowledged.reach(await self._ends())
                except LogUnavailable:
                    await asyncio.sleep(_PAUSE_S)
                    continue
                self._looked.append(ticket)
                self._check()
                break

    def _check(self) -> None:
        positions = self._positions
        waiting = []
        for ticket in self._looked:
            if all(positions.get(place, -1) >= end or not end for place, end in ticket.ends.items()):
                if not ticket.reached.done():
                    ticket.reached.set_result(None)
            elif ticket.waiting:
                waiting.append(ticket)
        self._looked = waiting
