"""The compacted topics as the follower reads them: one group-less consumer over all their partitions."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from processor.roll.errors import PositionsLost, TopicsMissing
from schemas.topics import Topics

_BATCH: Final = 1_000
_POLL_MS: Final = 50
"""How long a quiet read waits; also how soon it is noticed that only control records were left to read."""
_REQUEST_TIMEOUT_MS: Final = 10_000
_METADATA_AGE_MS: Final = 30_000

Offsets = Mapping[TopicPartition, int]


class Source:
    """Reads with one connection and asks for offsets with another, which no waiting fetch holds up.

    Positions are always the broker's: where the next fetch goes on, past control records and compacted offsets.
    """

    def __init__(
        self,
        reader: AIOKafkaConsumer,
        asker: AIOKafkaConsumer,
        names: frozenset[str],
        options: Mapping[str, Any],
    ) -> None:
        self._options = options
        self._reader = reader
        self._asker = asker
        self._names = names
        self._partitions = _partitions(reader, names)

    @classmethod
    @asynccontextmanager
    async def open(cls, topics: Topics, options: Mapping[str, Any]) -> AsyncIterator[Self]:
        """Connect and assign every partition of the topics.

        Raises:
            KafkaError: Kafka cannot be reached.
            TopicsMissing: one of the topics does not exist.
        """
        names = frozenset({topics.property_records.name, topics.property_sales.name, topics.models.name})
        async with _started(options) as reader, _started(options) as asker:
            if missing := names - await reader.topics():
                raise TopicsMissing(f"no topic {', '.join(sorted(missing))}")
            # Their partitions become known once the topics are tracked and a request has waited for the metadata.
            firsts = [TopicPartition(name, 0) for name in names]
            reader.assign(firsts)
            await reader.beginning_offsets(firsts)
            source = cls(reader, asker, names, options)
            reader.assign(list(source._partitions))
            yield source

    async def seek(self, known: Offsets, latest_ms: Offsets) -> Offsets:
        """Go on from the known positions, from the start where there are none; returns all positions.

        Raises:
            PositionsLost: see ``check``.
        """
        await self.check(known, latest_ms)
        starts = await self._asker.beginning_offsets(list(self._partitions))
        positions = {partition: known.get(partition, starts[partition]) for partition in self._partitions}
        for partition, offset in positions.items():
            self._reader.seek(partition, offset)
        return positions

    async def check(self, known: Offsets, latest_ms: Offsets) -> None:
        """Make sure the topics are still the ones that were read up to the known positions.

        A topic that was deleted and created again shows in one of three ways: partitions are gone, it ends before our
        position, or something before our position is younger than everything we read there.

        Raises:
            PositionsLost: they are not.
        """
        if gone := known.keys() - _partitions(self._reader, self._names):
            raise PositionsLost(f"{len(gone)} partitions are gone")
        ends = await self.ends()
        if short := [partition for partition, offset in known.items() if ends[partition] < offset]:
            raise PositionsLost(f"{len(short)} partitions end before our position")
        times = {partition: latest + 1 for partition, latest in latest_ms.items() if partition in known}
        found = await self._asker.offsets_for_times(times) if times else {}
        if any(at is not None and at.offset < known[partition] for partition, at in found.items()):
            raise PositionsLost("records before our position are younger than those we read")

    async def read(self) -> Mapping[TopicPartition, list[ConsumerRecord]]:
        """Return what has arrived, waiting a moment for something to arrive.

        Raises:
            OffsetOutOfRangeError: the topics no longer hold our position.
        """
        records: dict[TopicPartition, list[ConsumerRecord]] = await self._reader.getmany(
            timeout_ms=_POLL_MS, max_records=_BATCH
        )
        return records

    async def positions(self) -> Offsets:
        """Return where each partition's next fetch goes on."""
        return {partition: await self._reader.position(partition) for partition in self._partitions}

    async def ends(self) -> Offsets:
        """Ask the broker where each partition ends for a reader of committed records."""
        ends: dict[TopicPartition, int] = await self._asker.end_offsets(list(self._partitions))
        return ends

    async def identity(self) -> str:
        """Return a name for these topics of this cluster, another for the same names elsewhere."""
        admin = AIOKafkaAdminClient(**{"request_timeout_ms": _REQUEST_TIMEOUT_MS, **self._options})
        try:
            await admin.start()
            cluster = (await admin.describe_cluster())["cluster_id"]
        finally:
            await admin.close()
        return " ".join([str(cluster), *sorted(self._names)])

    def outgrown(self) -> bool:
        """Tell whether the topics have gained partitions."""
        return bool(_partitions(self._reader, self._names) - self._partitions)


@asynccontextmanager
async def _started(options: Mapping[str, Any]) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        **{"request_timeout_ms": _REQUEST_TIMEOUT_MS, "metadata_max_age_ms": _METADATA_AGE_MS, **options},
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


def _partitions(consumer: AIOKafkaConsumer, names: frozenset[str]) -> frozenset[TopicPartition]:
    return frozenset(
        TopicPartition(name, partition) for name in names for partition in consumer.partitions_for_topic(name) or ()
    )
