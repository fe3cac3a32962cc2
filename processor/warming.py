"""Makes engines before requests come: compiling their kernels and reading a county's sales takes seconds, once.

A worker that is ready answers its first request as quickly as the later ones, and a county or a model that comes while
it serves is made ready beside the work.
"""

import asyncio
from collections.abc import Callable, Mapping
from threading import Event
from typing import Final, Protocol

import numpy as np

from processor.handler import Engines
from processor.valuation.frame import Sales, Subjects
from schemas.logs import get_logger

_MOST_COUNTIES: Final = 16
_LOOK_SECONDS: Final = 1.0

_log = get_logger(__name__)


class KnownCounties(Protocol):
    """What a roll tells of its counties."""

    def sizes(self) -> Mapping[str, int]:
        """Return how many properties each county has."""
        ...

    def sales(self, county_id: str) -> Sales:
        """Return a county's sales."""
        ...


class Warming:
    """Has the engines of the largest counties value a property each: once, and again when another model is announced.

    ``announced`` tells the version of the model that is announced for each county. A county whose engine fails is told
    of and passed over until then: its requests will tell more.
    """

    def __init__(
        self,
        roll: KnownCounties,
        engines: Engines,
        announced: Callable[[], Mapping[str, str]],
        *,
        look_seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._roll = roll
        self._engines = engines
        self._announced = announced
        self._look_seconds = look_seconds
        self._tried: dict[str, str] = {}
        self._stopped = Event()
        self._first_round = asyncio.Event()

    @property
    def done(self) -> bool:
        """Whether the counties known when ``keep`` began have been tried."""
        return self._first_round.is_set()

    async def wait_done(self) -> None:
        """Return once ``done``."""
        await self._first_round.wait()

    async def keep(self) -> None:
        """Try the counties known now, in a thread, then for ever those that come, at most a second after they came."""
        while True:
            if self.due():
                await asyncio.to_thread(self.warm_up)
            self._first_round.set()
            await asyncio.sleep(self._look_seconds)

    def stop(self) -> None:
        """Let a thread that is at it end after the county in hand."""
        self._stopped.set()

    def due(self) -> list[str]:
        """Return which of the largest counties are to be tried, the largest first."""
        sizes, announced = self._roll.sizes(), self._announced()
        largest = sorted(sizes, key=lambda county_id: (-sizes[county_id], county_id))[:_MOST_COUNTIES]
        return [county_id for county_id in largest if self._tried.get(county_id) != announced.get(county_id, "")]

    def warm_up(self) -> int:
        """Try the counties that are due, until ``stop``; return how many valued a property.

        A county without sales stays due.
        """
        announced = self._announced()
        return sum(self._warm(county_id, announced.get(county_id, "")) for county_id in self.due())

    def _warm(self, county_id: str, version: str) -> bool:
        try:
            sales = self._roll.sales(county_id)
            if self._stopped.is_set() or not len(sales):
                return False
            self._tried[county_id] = version
            engine = self._engines.engine(county_id)
            if engine is not None:
                engine.value(_last_sold(sales))
        except Exception as wrong:  # noqa: BLE001 - nothing that goes wrong here may keep a worker from working
            self._tried[county_id] = version
            _log.warning("a county's engine could not be tried", county_id=county_id, exc_info=wrong)
            return False
        return engine is not None


def _last_sold(sales: Sales) -> Subjects:
    """Return the property of the last sale, to be valued on the day after it."""
    row = np.array([len(sales) - 1])
    return Subjects(sales.property_id[row].tolist(), sales.frame.take(row), sales.day[row] + 1, [None])
