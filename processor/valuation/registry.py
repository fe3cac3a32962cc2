"""The engines in service, one per county: trained ones where there are any, else one made of the county's sales.

An engine made of sales is made when it is first asked for and made again after the sales changed. The caller waits for
it when that is quick, or when the one in service knows next to nothing of today's sales; else the old one serves while
the new one is made in the background.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Final

from processor.valuation.comparables import ComparablesEngine
from processor.valuation.frame import Engine, Sales
from schemas.logs import get_logger

_LEAST_REST_S: Final = 2.0
_REST_SHARE: Final = 20.0
"""An engine serves for at least this many times the duration of its making: 5 % of the time at most goes there."""

_QUICK_S: Final = 0.3
"""Duration of the last making up to which a caller waits for the next."""

_OUTGROWN: Final = 1.5
"""Growth of the pool at which an engine no longer represents the county."""

_log = get_logger(__name__)

Build = Callable[[str, Sales], Engine]


@dataclass(slots=True)
class _Serving:
    """What serves a county now, and what is being made to replace it."""

    engine: Engine
    sales_version: str
    sales: int
    made_at: float
    took: float
    successor: "Future[_Serving] | None" = None


def _untrained(_county_id: str) -> Engine | None:
    return None


class EngineRegistry:
    """Gives the worker the engine of each county; may be called from any thread.

    Returning an old engine is always allowed: every result names the version it comes from. Engines are swapped between
    two calls, so whoever values a batch with one call's engine never mixes two.
    """

    def __init__(
        self,
        sales: Callable[[str], Sales],
        *,
        trained: Callable[[str], Engine | None] = _untrained,
        build: Build = ComparablesEngine,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sales = sales
        self._trained = trained
        self._build = build
        self._elapsed = elapsed
        self._serving: dict[str, _Serving] = {}
        self._locks: dict[str, Lock] = {}
        self._guard = Lock()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="engine-build")

    def engine(self, county_id: str) -> Engine | None:
        """Return the engine that serves a county now, None while the county has no sales.

        Blocks while the first engine of the county is made (a second for 20,000 sales), else not.
        """
        trained = self._trained(county_id)
        if trained is not None:
            return trained
        sales = self._sales(county_id)
        with self._lock(county_id):
            serving = self._promoted(county_id)
            if serving is None and not len(sales):
                return None
            if serving is None or self._due_now(serving, sales):
                serving = self._serving[county_id] = self._make(county_id, sales)
            elif self._due_later(serving, sales):
                serving.successor = self._background.submit(self._make, county_id, sales)
            return serving.engine

    def versions(self) -> dict[str, str]:
        """Return the version of every engine that has served."""
        return {county_id: serving.engine.version for county_id, serving in list(self._serving.items())}

    def settle(self, timeout_s: float | None = None) -> None:
        """Wait for the engines being made in the background; the next call of ``engine`` returns them."""
        for serving in list(self._serving.values()):
            if serving.successor is not None:
                serving.successor.exception(timeout_s)

    def close(self) -> None:
        """Make no more engines; those in service go on serving."""
        self._background.shutdown(wait=False, cancel_futures=True)

    def _lock(self, county_id: str) -> Lock:
        with self._guard:
            return self._locks.setdefault(county_id, Lock())

    def _promoted(self, county_id: str) -> _Serving | None:
        """Return what serves, after its successor has taken over if that is ready."""
        serving = self._serving.get(county_id)
        if serving is None or serving.successor is None or not serving.successor.done():
            return serving
        successor, serving.successor = serving.successor, None
        error = successor.exception()
        if error is not None:
            _log.error("no new engine could be made; the old one serves on", county_id=county_id, exc_info=error)
            serving.made_at = self._elapsed()
            return serving
        self._serving[county_id] = successor.result()
        return self._serving[county_id]

    def _due_now(self, serving: _Serving, sales: Sales) -> bool:
        """Tell whether the caller must wait: the pool has outgrown the engine, or a new one is a matter of moments."""
        if len(sales) > _OUTGROWN * serving.sales:
            return True
        return serving.took <= _QUICK_S and self._due_later(serving, sales)

    def _due_later(self, serving: _Serving, sales: Sales) -> bool:
        rested = self._elapsed() - serving.made_at >= max(_LEAST_REST_S, _REST_SHARE * serving.took)
        return rested and serving.successor is None and sales.version != serving.sales_version

    def _make(self, county_id: str, sales: Sales) -> _Serving:
        start = self._elapsed()
        engine = self._build(county_id, sales)
        end = self._elapsed()
        return _Serving(engine, sales.version, len(sales), end, end - start)
