"""Puts the sample county onto the topics, once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.partitioner import DefaultPartitioner

from deploy.sample.county import COUNTY, Record, sample_county
from producer.importing.publishing import publish
from schemas.records import record_key
from schemas.topics import Topics

_POLL_MS: Final = 200

Progress = Callable[[str, int, int], None]
"""Hears what is being published, how many records are acknowledged, and of how many."""


@dataclass(frozen=True, slots=True)
class SampleCounts:
    """What the sample county consists of, and whether this call published it."""

    county_id: str
    properties: int
    sales: int
    published: bool


async def publish_sample_county(
    topics: Topics,
    client_options: Mapping[str, Any],
    *,
    again: bool = False,
    progress: Progress = lambda _what, _done, _of: None,
) -> SampleCounts:
    """Publish the sample county unless the topics hold it already, or ``again`` is set.

    The topics hold it when its last sale is there, which is published after everything else is acknowledged; so an
    interrupted call is made good by the next. Changes made to sample properties since then are left alone.

    Raises:
        KafkaError: Kafka cannot be reached, or refuses.
    """
    county = sample_county()
    last = _key(county.sales[-1], "sale_id")
    counts = (len(county.properties), len(county.sales))
    if not again and await _holds(topics.property_sales.name, last, client_options):
        return SampleCounts(COUNTY, *counts, published=False)
    properties, sales = _encoded(county.properties, "property_id"), list(_encoded(county.sales, "sale_id"))
    roll, pool = topics.property_records.name, topics.property_sales.name
    await publish(roll, properties, client_options, lambda done: progress("properties", done, counts[0]))
    await publish(pool, sales[:-1], client_options, lambda done: progress("sales", done, counts[1]))
    await publish(pool, sales[-1:], client_options, lambda _done: progress("sales", counts[1], counts[1]))
    return SampleCounts(COUNTY, *counts, published=True)


def _encoded(records: Iterable[Record], id_field: str) -> Iterator[tuple[bytes, bytes]]:
    return ((_key(record, id_field), orjson.dumps(record)) for record in records)


def _key(record: Record, id_field: str) -> bytes:
    return record_key(COUNTY, str(record[id_field]))


async def _holds(topic: str, key: bytes, client_options: Mapping[str, Any]) -> bool:
    """Tell whether a topic holds a record of this key, by reading the one partition it would be in."""
    consumer = AIOKafkaConsumer(**client_options, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        if topic not in await consumer.topics():
            return False
        first = TopicPartition(topic, 0)
        consumer.assign([first])
        await consumer.beginning_offsets([first])  # waits for the topic's metadata
        partitions = sorted(consumer.partitions_for_topic(topic) or ())
        partition = TopicPartition(topic, DefaultPartitioner()(key, partitions, partitions))
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        while await consumer.position(partition) < end:
            batches = await consumer.getmany(timeout_ms=_POLL_MS)
            if any(record.key == key for records in batches.values() for record in records):
                return True
        return False
    finally:
        await consumer.stop()
