"""Keeps the gateway's copy of the roll current, for as long as the gateway runs.

Kafka being away is no error: the copy answers as it was, and ``catch_up`` says that it could not.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from producer.acknowledged import Acknowledged
from producer.properties.base import Condition, CountySize, PropertyPage
from producer.properties.table import Changes, PropertyRow, PropertyTable
from producer.store.base import Place
from producer.view.catchup import CatchUp
from producer.view.errors import ForeignLog, LogUnavailable
from producer.view.log import Log, Opened, Polled
from schemas.logs import get_logger
from schemas.topics import Topics

_POLL_S: Final = 0.1
_RETRY_S: Final = 1.0
_Positions = dict[Place, int]
_log = get_logger(__name__)


class PropertyCopy:
    """Follows ``property.records`` and ``valuation.models`` into a ``PropertyTable``.

    Args:
        table: where the copy is kept; opened and closed by this.
        log: the two topics.
        topics: their names.
        acknowledged: how far the topics reach by what this gateway has published itself.
    """

    def __init__(
        self, table: PropertyTable, log: Log, topics: Topics, acknowledged: Acknowledged | None = None
    ) -> None:
        self._table = table
        self._log = log
        self._models = topics.models.name
        followed = topics.property_records.name, topics.models.name
        self._catch_up = CatchUp(lambda: log.ends(followed), acknowledged)
        self._goal: _Positions | None = None
        self._positions: _Positions = {}
        self._task: asyncio.Task[None] | None = None
        self.ready = False

    async def start(self) -> None:
        """Open the copy and begin to follow; returns without waiting for Kafka, which is retried for ever."""
        await self._table.open()
        self._task = asyncio.create_task(self._run(), name="property-copy")

    async def stop(self) -> None:
        """Let go of Kafka and the file."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._catch_up.stop()
        await self._table.close()

    async def catch_up(self, timeout_s: float) -> bool:
        """Wait until the copy holds every record that was on the topic when this was called; False when time is up."""
        return await self._catch_up.wait(timeout_s)

    async def find(self, county_id: str, property_id: str) -> bytes | None:
        """Return one property record as JSON, None where the copy holds none."""
        return await self._table.find(county_id, property_id)

    async def search(self, county_id: str, text: str, *, after: str | None, limit: int) -> PropertyPage:
        """List a county's properties that hold ``text`` in their id or address, from after an id."""
        return await self._table.search(county_id, text, after=after, limit=limit)

    async def ids(self, county_id: str, conditions: Sequence[Condition]) -> Sequence[str]:
        """Return the ids of a county's properties that meet every condition, in order."""
        return await self._table.ids(county_id, conditions)

    async def counties(self) -> Sequence[CountySize]:
        """Return the counties that hold properties, in the order of their ids."""
        return await self._table.counties()

    async def models(self) -> Mapping[str, bytes]:
        """Return the record of the model that serves each county, as JSON."""
        return await self._table.models()

    async def _run(self) -> None:
        said = ""
        while True:
            try:
                await self._begin(await self._opened())
                said = ""
                while True:
                    await self._take(await self._log.poll(_POLL_S))
            except LogUnavailable as wrong:
                if str(wrong) != said:
                    _log.warning("the copy of the roll waits", reason=str(wrong))
                said = str(wrong)
            except Exception:  # noqa: BLE001 - the gateway goes on, its log says why the copy does not
                _log.exception("the copy of the roll failed; beginning anew")
            finally:
                await self._log.close()
            await asyncio.sleep(_RETRY_S)

    async def _opened(self) -> Opened:
        known = await self._table.bookmark()
        try:
            return await self._log.open(known.positions, known.cluster_id)
        except ForeignLog as wrong:
            _log.warning("the copy of the roll is emptied and filled from the topics", reason=str(wrong))
            self._catch_up.forget()
            await self._table.clear()
            return await self._log.open({}, None)

    async def _begin(self, opened: Opened) -> None:
        await self._table.adopt(opened.cluster_id)
        self._positions = dict(opened.positions)
        self._catch_up.begin(opened.positions)
        if self._goal is None:
            self._goal = dict(opened.ends)
        self._check()

    async def _take(self, polled: Polled) -> None:
        if polled.records:
            await self._table.apply(self._changes(polled))
        self._positions.update(polled.positions)
        self._catch_up.advance(polled.positions)
        if not self.ready:
            self._check()

    def _check(self) -> None:
        goal = self._goal or {}
        self.ready = self.ready or all(self._positions.get(place, 0) >= end for place, end in goal.items())

    def _changes(self, polled: Polled) -> Changes:
        rows: dict[tuple[str, str], PropertyRow] = {}
        models: dict[str, bytes | None] = {}
        for records in polled.records:
            for record in records:
                if record.topic == self._models:
                    models[_text(record.key)] = record.value
                elif (row := property_row(record.key, record.value)) is not None:
                    rows[row.county, row.property_id] = row
        return Changes(list(rows.values()), list(models.items()), polled.positions)


def property_row(key: bytes | None, value: bytes | None) -> PropertyRow | None:
    """Return the row of a record, None where its key or value is none that a roll could hold."""
    county, slash, property_id = _text(key).partition("/")
    if not (county and slash and property_id):
        return None
    if value is None:
        return PropertyRow(county, property_id, "", None)
    try:
        record = orjson.loads(value)
        address = record.get("address")
    except (orjson.JSONDecodeError, AttributeError):
        return None
    text = f"{property_id} {address}" if isinstance(address, str) else property_id
    return PropertyRow(county, property_id, text.casefold(), value)


def _text(key: bytes | None) -> str:
    return (key or b"").decode("utf-8", "replace")
