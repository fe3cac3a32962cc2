"""The aiokafka producer behind the publisher's small interface."""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Any, Final, cast

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from producer.acknowledged import Acknowledgement
from producer.lane import Batch

_BATCH_BYTES: Final = 512 * 1024
_REQUEST_MS: Final = 10_000


class KafkaProducer:
    """An idempotent ``acks=all`` producer; it repeats what Kafka has not acknowledged until it is closed."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._producer = AIOKafkaProducer(
            **options,
            client_id="terrafusion-gateway",
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=_BATCH_BYTES,
            request_timeout_ms=_REQUEST_MS,
        )

    async def start(self) -> None:
        """Connect; raises KafkaError where no broker answers."""
        await self._producer.start()

    async def stop(self, seconds: float) -> None:
        """Flush for up to ``seconds`` and disconnect; never raises."""
        with suppress(TimeoutError, KafkaError, OSError):
            async with asyncio.timeout(seconds):
                await self._producer.stop()

    async def partitions_for(self, topic: str) -> set[int]:
        """Return the topic's partitions, without asking for it by name: that would have some clusters create it."""
        partitions = (await self._producer.client.fetch_all_metadata()).partitions_for_topic(topic)
        if not partitions:
            raise UnknownTopicOrPartitionError(f"no topic {topic}")
        return set(partitions)

    def known_partitions(self, topic: str) -> int:
        """Return how many partitions the topic had when metadata was last fetched, 0 where that is not known."""
        return len(self._producer.client.cluster.partitions_for_topic(topic) or ())

    async def reachable(self) -> bool:
        """Return whether a broker answers right now, by asking for fresh metadata."""
        return bool(await self._producer.client.force_metadata_update())

    def create_batch(self) -> Batch:
        """Return an empty batch."""
        return cast("Batch", self._producer.create_batch())

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Awaitable[Acknowledgement]:
        """Hand a batch over; the awaitable is done when every in-sync replica has it."""
        sent = await self._producer.send_batch(batch, topic, partition=partition)
        return cast("Awaitable[Acknowledgement]", sent)
