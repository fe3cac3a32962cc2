"""A stretch of some partitions of a real Kafka, read once more: what a listener missed, for example."""

from collections.abc import Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from producer.store.base import Place
from producer.view.errors import LogUnavailable
from producer.view.kafka_clients import FETCH_WAIT_MS, reader, said, stop_client
from producer.view.log import Polled

_AT_ONCE: Final = 500


class KafkaReplay:
    """Reads a stretch of some partitions with a client of its own."""

    def __init__(self, options: Mapping[str, Any], first: Mapping[Place, int], last: Mapping[Place, int]) -> None:
        self._options = options
        self._at = {place: position for place, position in first.items() if position < last[place]}
        self._last = last
        self._consumer: AIOKafkaConsumer | None = None

    @property
    def done(self) -> bool:
        """Whether everything has been read."""
        return all(position >= self._last[place] for place, position in self._at.items())

    async def open(self) -> None:
        """Connect."""
        if self.done:
            return
        self._consumer = reader(self._options, auto_offset_reset="earliest")
        try:
            await self._consumer.start()
        except (KafkaError, OSError) as wrong:
            raise LogUnavailable(f"Kafka cannot be reached: {said(wrong)}") from wrong
        self._consumer.assign([TopicPartition(*place) for place in self._at])
        for place, position in self._at.items():
            self._consumer.seek(TopicPartition(*place), position)

    async def close(self) -> None:
        """Disconnect."""
        await stop_client(self._consumer)
        self._consumer = None

    async def read(self) -> Polled:
        """Return further records, none of them beyond the stretch."""
        consumer = self._consumer
        if consumer is None:
            return Polled([], {})
        try:
            arrived = await consumer.getmany(timeout_ms=FETCH_WAIT_MS, max_records=_AT_ONCE)
            for place in self._at:
                self._at[place] = await consumer.position(TopicPartition(*place))
        except (KafkaError, OSError) as wrong:
            raise LogUnavailable(f"the topics cannot be read: {said(wrong)}") from wrong
        records = [
            [record for record in found if record.offset < self._last[at.topic, at.partition]]
            for at, found in arrived.items()
        ]
        return Polled(records, {place: min(position, self._last[place]) for place, position in self._at.items()})
