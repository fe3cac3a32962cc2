"""Publishes many keyed records to one topic, quickly and without loss."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import UnknownTopicOrPartitionError

_IN_FLIGHT: Final = 20_000
"""Records handed over and not yet acknowledged; bounds the memory of an import whatever its size."""
_CHUNK: Final = 1_000
_BATCH_BYTES: Final = 128 * 1024
_REQUEST_MS: Final = 30_000
_TOPIC_SECONDS: Final = 5

Progress = Callable[[int], None]


async def publish(
    topic: str,
    records: Iterable[tuple[bytes, bytes | None]],
    client_options: Mapping[str, Any],
    progress: Progress = lambda _count: None,
) -> int:
    """Publish records in their order and return how many; returns when every in-sync replica has all of them.

    Idempotent towards Kafka: a retry inside never doubles or reorders. When it raises, a part may have been published;
    since the topics are compacted by key, publishing all again gives the same state. ``records`` is iterated in the
    event loop's thread. ``progress`` hears the number of acknowledged records from time to time.

    Raises:
        KafkaError: Kafka cannot be reached, or refuses a record.
    """
    producer = AIOKafkaProducer(
        **client_options,
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        linger_ms=5,
        max_batch_size=_BATCH_BYTES,
        request_timeout_ms=_REQUEST_MS,
    )
    try:
        await producer.start()
        await _require(producer, topic)
        return await _send_all(producer, topic, records, progress)
    finally:
        await producer.stop()


async def _require(producer: AIOKafkaProducer, topic: str) -> None:
    """Make sure the topic exists; sending to one that does not would wait for it for half a minute."""
    try:
        async with asyncio.timeout(_TOPIC_SECONDS):
            await producer.partitions_for(topic)
    except TimeoutError:
        raise UnknownTopicOrPartitionError(f"no topic {topic}; `terrafusion topics apply` makes it") from None


async def _send_all(
    producer: AIOKafkaProducer, topic: str, records: Iterable[tuple[bytes, bytes | None]], progress: Progress
) -> int:
    waiting: deque[asyncio.Future[object]] = deque()
    acknowledged = 0
    for key, value in records:
        waiting.append(await producer.send(topic, value, key))
        if len(waiting) >= _IN_FLIGHT:
            acknowledged += await _settle(waiting, _CHUNK)
            progress(acknowledged)
    while waiting:
        acknowledged += await _settle(waiting, _CHUNK)
        progress(acknowledged)
    return acknowledged


async def _settle(waiting: deque[asyncio.Future[object]], count: int) -> int:
    oldest = [waiting.popleft() for _ in range(min(count, len(waiting)))]
    await asyncio.gather(*oldest)
    return len(oldest)
