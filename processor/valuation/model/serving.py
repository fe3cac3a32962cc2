"""The trained engines in service: follows which bundle is announced for a county and what its newest sales show.

A bundle is read, and a level computed, in the background while the engine before it serves on; only the first engine of
a county is waited for. Engines are swapped between two calls, so a batch never mixes two.
"""

import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Final

from processor.valuation.frame import Engine, Sales
from processor.valuation.model.appraisal import MassAppraisal
from processor.valuation.model.bundle import Bundle
from processor.valuation.model.errors import BundleError, CorruptBundle, StoreAway
from processor.valuation.model.store import BundleStore
from schemas.logs import get_logger
from schemas.records import ModelRecord

_RETRY_S: Final = 30.0
_REST_SHARE: Final = 20.0
"""A level serves for at least this many times as long as it took to compute."""
_LEAST_REST_S: Final = 1.0

_log = get_logger(__name__)


@dataclass(slots=True)
class _County:
    """What serves a county, what is being made to replace it, and when to look again."""

    bundle: Bundle | None = None
    engine: MassAppraisal | None = None
    sales_version: str = ""
    refused: str = ""
    trouble: str = ""
    """Why the announced bundle does not serve, as a constant to count by; empty while it does."""
    not_before: float = 0.0
    making: "Future[None] | None" = None


class TrainedEngines:
    """Gives the engine of each county that a model was announced for, None for the others; for any thread."""

    def __init__(
        self,
        store: BundleStore,
        announced: Callable[[str], ModelRecord | None],
        sales: Callable[[str], Sales],
        *,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._announced = announced
        self._sales = sales
        self._elapsed = elapsed
        self._counties: dict[str, _County] = {}
        self._guard = Lock()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="trained-engine")

    def __call__(self, county_id: str) -> Engine | None:
        """Return the engine to value a county with now; blocks only while its first bundle is read the first time."""
        record = self._announced(county_id)
        if record is None:
            return None
        with self._guard:
            county = self._counties.setdefault(county_id, _County())
            if county.making is None and self._due(county, record):
                county.making = self._background.submit(self._renew, county, record)
            making = county.making
        if county.engine is None and making is not None and not county.refused:
            making.result()
        return county.engine

    def levels(self, day: int) -> dict[str, float]:
        """Return by what factor the newest sales correct the model of each county in service, on a day."""
        serving = [(county_id, county.engine) for county_id, county in list(self._counties.items())]
        return {county_id: math.exp(engine.level.on(day).log) for county_id, engine in serving if engine is not None}

    def versions(self) -> dict[str, str]:
        """Return the version that serves each county that was valued, which need not be the announced one."""
        counties = list(self._counties.items())
        return {county_id: county.bundle.version for county_id, county in counties if county.bundle is not None}

    def troubles(self) -> dict[str, str]:
        """Return the counties whose announced bundle does not serve, and why, as a constant to count by."""
        counties = list(self._counties.items())
        return {county_id: county.trouble for county_id, county in counties if county.trouble}

    @property
    def store_reachable(self) -> bool:
        """Whether the model store answered when it was last asked."""
        return self._store.reachable

    def settle(self) -> None:
        """Wait for what is being made."""
        for county in list(self._counties.values()):
            making = county.making
            if making is not None:
                making.result()

    def close(self) -> None:
        """Make no more engines; those in service go on serving."""
        self._background.shutdown(wait=False, cancel_futures=True)

    def _due(self, county: _County, record: ModelRecord) -> bool:
        now = self._elapsed()
        if county.bundle is None or county.bundle.version != record.version:
            return county.refused != record.version or now >= county.not_before
        return now >= county.not_before and self._sales(record.county_id).version != county.sales_version

    def _renew(self, county: _County, record: ModelRecord) -> None:
        """Read the announced bundle if it is another one, and compute the level of the newest sales."""
        start = self._elapsed()
        rest = _LEAST_REST_S
        try:
            found = county.bundle
            if found is None or found.version != record.version:
                found = self._verified(record)
            sales = self._sales(record.county_id)
            before = county.engine if found is county.bundle else None
            engine = before.renewed(sales) if before is not None else MassAppraisal(found, sales)
            county.bundle, county.engine, county.sales_version = found, engine, sales.version
            county.refused = county.trouble = ""
            rest = max(rest, _REST_SHARE * (self._elapsed() - start))
            self._store_level(record, engine)
        except (BundleError, OSError) as wrong:
            _log.error("model refused; the one before serves on", county_id=record.county_id, reason=str(wrong))
            county.refused, rest = record.version, _RETRY_S
            county.trouble = wrong.reason if isinstance(wrong, BundleError) else StoreAway.reason
        finally:
            with self._guard:  # the caller that asked for this may not have noted it down yet
                county.not_before = self._elapsed() + rest
                county.making = None

    def _verified(self, record: ModelRecord) -> Bundle:
        found = self._store.read(record.county_id, record.version)
        if found.manifest["sha256"] != record.sha256:
            raise CorruptBundle(f"{found.directory}: not the bundle that was announced")
        return found

    def _store_level(self, record: ModelRecord, engine: MassAppraisal) -> None:
        try:
            self._store.keep_level(record.county_id, record.version, engine.level)
        except (BundleError, OSError) as wrong:
            _log.warning("the level could not be kept", county_id=record.county_id, reason=str(wrong))
