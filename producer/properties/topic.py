"""The roll's topics as the copy reads them: one group-less consumer from where the copy left off."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from producer.properties.errors import TopicsMissing, TopicsReplaced
from producer.properties.table import Place

_BATCH: Final = 2_000
_POLL_MS: Final = 50
_REQUEST_MS: Final = 10_000
Offsets = Mapping[TopicPartition, int]


class RollTopics:
    """Every partition of some compacted topics, read in committed order."""

    def __init__(self, consumer: AIOKafkaConsumer, partitions: frozenset[TopicPartition]) -> None:
        self._consumer = consumer
        self._partitions = partitions

    @classmethod
    @asynccontextmanager
    async def open(cls, names: Iterable[str], options: Mapping[str, Any]) -> AsyncIterator[Self]:
        """Connect and assign every partition of the topics.

        Raises:
            KafkaError: Kafka cannot be reached.
            TopicsMissing: one of the topics does not exist.
        """
        wanted = frozenset(names)
        consumer = AIOKafkaConsumer(
            **options,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            request_timeout_ms=_REQUEST_MS,
        )
        await consumer.start()
        try:
            if missing := wanted - await consumer.topics():
                raise TopicsMissing(f"no topic {', '.join(sorted(missing))}")
            firsts = [TopicPartition(name, 0) for name in wanted]
            consumer.assign(firsts)
            await consumer.beginning_offsets(firsts)
            partitions = frozenset(
                TopicPartition(name, number) for name in wanted for number in consumer.partitions_for_topic(name) or ()
            )
            consumer.assign(list(partitions))
            yield cls(consumer, partitions)
        finally:
            await consumer.stop()

    async def seek(self, places: Iterable[Place]) -> None:
        """Go on from where the copy is, from the start where it has nothing.

        Raises:
            TopicsReplaced: a topic ends before that, lacks a partition, or holds before it what is younger than all
                that was read there: it was deleted and made anew.
        """
        known = {TopicPartition(place.topic, place.partition): place for place in places}
        if known.keys() - self._partitions:
            raise TopicsReplaced("partitions are gone")
        ends, starts = await self.ends(), await self._consumer.beginning_offsets(list(self._partitions))
        if any(ends[partition] < place.offset for partition, place in known.items()):
            raise TopicsReplaced("a topic ends before what was read of it")
        if known:
            times = {partition: place.latest_ms + 1 for partition, place in known.items()}
            younger = await self._consumer.offsets_for_times(times)
            if any(at is not None and at.offset < known[partition].offset for partition, at in younger.items()):
                raise TopicsReplaced("records before our position are younger than those we read")
        for partition in self._partitions:
            place = known.get(partition)
            self._consumer.seek(partition, max(starts[partition], 0 if place is None else place.offset))

    async def read(self) -> Mapping[TopicPartition, list[ConsumerRecord]]:
        """Return what has arrived, waiting a moment for something to arrive."""
        arrived: dict[TopicPartition, list[ConsumerRecord]] = await self._consumer.getmany(
            timeout_ms=_POLL_MS, max_records=_BATCH
        )
        return arrived

    async def positions(self) -> Offsets:
        """Return where each partition's next fetch goes on, past control records too."""
        return {partition: await self._consumer.position(partition) for partition in self._partitions}

    async def ends(self) -> Offsets:
        """Ask the broker where each partition ends for a reader of committed records."""
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(list(self._partitions))
        return ends
