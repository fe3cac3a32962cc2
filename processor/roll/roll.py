"""All counties' properties and sales, fed with the raw records of the compacted topics."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Final, TypeVar

import structlog

from processor.roll.county import CountyRoll
from processor.roll.errors import BadRecord
from processor.roll.records import Entry, property_entry, sale_entry
from processor.roll.sales import Clock, SalesPool, no_sales
from processor.roll.sections import Sections, Writer
from processor.valuation.frame import Sales

Record = tuple[bytes | None, bytes | None]
"""Key and value of a topic record."""
_NO_SALES: Final = no_sales()

_E = TypeVar("_E", bound=Entry)

_log = structlog.get_logger(__name__)


class PropertyRoll:
    """The property roll and the sales pools of every county.

    One thread applies records; any thread may read. Applying a record again changes nothing. A record that cannot be
    read changes nothing, is counted in ``rejected`` and logged the first time its kind is seen.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.rejected: Counter[str] = Counter()
        """Unreadable records by kind, ``topic kind:reason``."""
        self._clock = clock
        self._counties: dict[str, CountyRoll] = {}
        self._pools: dict[str, SalesPool] = {}
        self._creating = Lock()

    def county(self, county_id: str) -> CountyRoll | None:
        """Return the roll of a county by its normal id, None where the system holds nothing of it."""
        return self._counties.get(county_id)

    def counties(self) -> list[str]:
        """Return the ids of all counties that the system holds something of."""
        return sorted(self._counties)

    def sizes(self) -> dict[str, int]:
        """Return how many properties each county has."""
        return {county_id: len(roll) for county_id, roll in list(self._counties.items())}

    def sales(self, county_id: str) -> Sales:
        """Return a county's sales: an immutable snapshot, the same object while nothing changed; may be empty."""
        pool = self._pools.get(county_id)
        return _NO_SALES if pool is None else pool.snapshot()

    def apply_properties(self, records: Iterable[Record]) -> None:
        """Take in records of ``property.records`` in their order."""
        for county_id, entries in self._read("property", property_entry, records).items():
            self._county(county_id).apply(entries)

    def apply_sales(self, records: Iterable[Record]) -> None:
        """Take in records of ``property.sales`` in their order."""
        for county_id, entries in self._read("sale", sale_entry, records).items():
            self._pool(county_id).apply(entries)

    def save(self, writer: Writer) -> None:
        """Write every county and pool as sections, while updates may go on."""
        counties, pools = list(self._counties.items()), list(self._pools.items())
        for number, (_, county) in enumerate(counties):
            county.save(writer, f"county/{number}")
        for number, (_, pool) in enumerate(pools):
            pool.save(writer, f"pool/{number}")
        names = {"counties": [name for name, _ in counties], "pools": [name for name, _ in pools]}
        writer.document("roll", {**names, "rejected": dict(self.rejected)})

    def restore(self, sections: Sections) -> None:
        """Take over what ``save`` has written; the roll was empty before."""
        document = sections.document("roll")
        for number, county_id in enumerate(document["counties"]):
            self._county(county_id).restore(sections, f"county/{number}")
        for number, county_id in enumerate(document["pools"]):
            self._pool(county_id).restore(sections, f"pool/{number}")
        self.rejected.update(document["rejected"])

    def begin_reload(self) -> None:
        """Announce that everything will be applied again from the start; readers see the old state meanwhile."""
        for part in self._parts():
            part.begin_reload()

    def finish_reload(self) -> None:
        """Remove whatever was not applied again since ``begin_reload``."""
        for part in self._parts():
            part.finish_reload()

    def reject(self, kind: str, reason: str, key: bytes | None) -> None:
        """Count an unreadable record, and log the first of its kind."""
        name = f"{kind}:{reason}"
        self.rejected[name] += 1
        if self.rejected[name] == 1:
            _log.warning("unreadable record passed over", kind=kind, reason=reason, key=repr(key))

    def _read(
        self, kind: str, read: Callable[[bytes | None, bytes | None], _E], records: Iterable[Record]
    ) -> Mapping[str, list[_E]]:
        by_county: defaultdict[str, list[_E]] = defaultdict(list)
        for key, value in records:
            try:
                entry = read(key, value)
            except BadRecord as error:
                self.reject(kind, error.reason, key)
            else:
                by_county[entry.county_id].append(entry)
        return by_county

    def _parts(self) -> list[CountyRoll | SalesPool]:
        return [*self._counties.values(), *self._pools.values()]

    def _county(self, county_id: str) -> CountyRoll:
        with self._creating:
            return self._counties.setdefault(county_id, CountyRoll(county_id))

    def _pool(self, county_id: str) -> SalesPool:
        roll = self._county(county_id)
        with self._creating:
            return self._pools.setdefault(county_id, SalesPool(roll, self._clock))
