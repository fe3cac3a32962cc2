"""Fills the requests topic of one installation with a backlog, and tells how much of it a group has settled."""

import asyncio
import uuid
from typing import Self

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError

from schemas.topics import Topic, Topics

_CREATED = "2026-11-23T09:00:00.000Z"


async def create(bootstrap: str, table: Topics) -> None:
    """Create every topic of the table."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(t.name, t.partitions, 1, topic_configs=dict(t.settings)) for t in table])
    finally:
        await admin.close()


async def fill(bootstrap: str, topic: Topic, count: int, *, properties: int = 5_000) -> None:
    """Publish ``count`` well-formed requests, spread evenly over the partitions."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, max_batch_size=1 << 20)
    await producer.start()
    try:
        share, rest = divmod(count, topic.partitions)
        await asyncio.gather(
            *(_fill(producer, topic.name, p, share + (p < rest), properties) for p in range(topic.partitions))
        )
    finally:
        await producer.stop()


async def _fill(producer: AIOKafkaProducer, topic: str, partition: int, count: int, properties: int) -> None:
    made = 0
    while made < count:
        batch = producer.create_batch()
        while made < count:
            job_id = str(uuid.uuid4())
            request = {
                "job_id": job_id,
                "property_id": f"PROP{made % properties + 1}",
                "county_id": "BENTON",
                "created_at": _CREATED,
            }
            if batch.append(key=job_id.encode(), value=orjson.dumps(request), timestamp=None) is None:
                break
            made += 1
        await (await producer.send_batch(batch, topic, partition=partition))


class Progress:
    """Counts what a consumer group has settled of a topic, by its committed offsets."""

    def __init__(self, bootstrap: str, topic: Topic, group: str) -> None:
        self._partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        self._group = group

    async def __aenter__(self) -> Self:
        await self._admin.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

    async def settled(self) -> int:
        """Return the sum of the committed offsets; 0 while the group has no coordinator yet."""
        try:
            offsets = await self._admin.list_consumer_group_offsets(self._group, partitions=self._partitions)
        except GroupCoordinatorNotAvailableError:
            return 0
        return sum(max(found.offset, 0) for found in offsets.values())


async def count_committed(bootstrap: str, topic: Topic) -> tuple[int, int]:
    """Read a results topic as read_committed readers do; return the number of records and of distinct keys."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        seen: set[bytes | None] = set()
        records = 0
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=200, max_records=10_000)).values():
                records += len(batch)
                seen.update(record.key for record in batch)
        return records, len(seen)
    finally:
        await consumer.stop()
