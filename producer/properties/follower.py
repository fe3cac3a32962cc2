"""Keeps the gateway's copy of the roll current, for as long as the gateway runs.

Kafka being away is no error: the copy answers as it was, and ``catch_up`` says that it could not.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from producer.properties.base import Condition, CountySize, PropertyPage
from producer.properties.errors import TopicsMissing, TopicsReplaced
from producer.properties.table import Changes, Place, PropertyRow, PropertyTable
from producer.properties.topic import Offsets, RollTopics
from schemas.logs import get_logger
from schemas.topics import Topics

_RETRY_SECONDS: Final = 1.0
_log = get_logger(__name__)


class PropertyCopy:
    """Follows ``property.records`` and ``valuation.models`` into a ``PropertyTable``.

    Args:
        path: the table's file.
        topics: the topics table.
        options: connection keywords of aiokafka clients.
    """

    def __init__(self, path: Path, topics: Topics, options: Mapping[str, Any]) -> None:
        self._table = PropertyTable(path)
        self._records, self._models = topics.property_records.name, topics.models.name
        self._options = options
        self._applied: Offsets = {}
        self._moved = asyncio.Condition()
        self._source: RollTopics | None = None
        self._ends: asyncio.Task[Offsets] | None = None
        self._task: asyncio.Task[None] | None = None
        self.ready = False

    async def start(self) -> None:
        """Open the copy and begin to follow; returns without waiting for Kafka, which is retried for ever."""
        await self._table.open()
        self._task = asyncio.create_task(self._follow_for_ever(), name="property-copy")

    async def stop(self) -> None:
        """Let go of Kafka and the file."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._table.close()

    async def catch_up(self, timeout_s: float) -> bool:
        """Wait until the copy holds every record that was on the topic when this was called; False when time is up."""
        try:
            async with asyncio.timeout(timeout_s), self._moved:
                await self._moved.wait_for(lambda: self._source is not None)
            async with asyncio.timeout(timeout_s):
                ends = await self._ends_now()
                async with self._moved:
                    await self._moved.wait_for(lambda: _reached(self._applied, ends))
        except (TimeoutError, KafkaError):
            return False
        return True

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

    async def _ends_now(self) -> Offsets:
        """Return the topics' ends as of a moment after this was called; callers that come together share one look."""
        running = self._ends
        if running is not None and not running.done():
            await asyncio.wait([running])
        if self._ends is None or self._ends is running:
            source = self._source
            if source is None:
                raise KafkaError("the roll's topics cannot be read at present")
            self._ends = asyncio.create_task(source.ends())
        return await asyncio.shield(self._ends)

    async def _follow_for_ever(self) -> None:
        while True:
            try:
                async with RollTopics.open((self._records, self._models), self._options) as source:
                    await source.seek(await self._table.places())
                    await self._follow(source)
            except (TopicsReplaced, OffsetOutOfRangeError) as wrong:
                _log.warning("the topics of the roll were replaced; reading them again", cause=str(wrong))
                await self._table.clear()
            except (KafkaError, TopicsMissing, OSError) as wrong:
                _log.info("cannot read the topics of the roll; trying again", cause=str(wrong))
                await asyncio.sleep(_RETRY_SECONDS)
            finally:
                self._source, self._applied = None, {}

    async def _follow(self, source: RollTopics) -> None:
        """Apply what arrives until something breaks."""
        first_ends = await source.ends()
        self._applied, self._source = await source.positions(), source
        while True:
            arrived = await source.read()
            positions = await source.positions()
            if arrived or positions != self._applied:
                await self._table.apply(self._changes(arrived, positions))
            async with self._moved:
                self._applied = positions
                self.ready = self.ready or _reached(positions, first_ends)
                self._moved.notify_all()

    def _changes(self, arrived: Mapping[TopicPartition, list[ConsumerRecord]], positions: Offsets) -> Changes:
        rows: dict[tuple[str, str], PropertyRow] = {}
        models: dict[str, bytes | None] = {}
        for partition, records in arrived.items():
            for record in records:
                if partition.topic == self._models:
                    models[_text(record.key)] = record.value
                elif (row := _row(record.key, record.value)) is not None:
                    rows[row.county, row.property_id] = row
        now_ms = time.time_ns() // 1_000_000
        places = [
            Place(at.topic, at.partition, offset, max(now_ms, *(each.timestamp for each in arrived.get(at, ())), 0))
            for at, offset in positions.items()
            if offset != self._applied.get(at)
        ]
        return Changes(list(rows.values()), list(models.items()), places)


def _row(key: bytes | None, value: bytes | None) -> PropertyRow | None:
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


def _reached(applied: Offsets, ends: Offsets) -> bool:
    return bool(applied) and all(applied.get(partition, 0) >= end for partition, end in ends.items())
