"""Peer: a loop on aiokafka with one transactional producer for all partitions. Exactly once in one process.

Tuned as its user would: whole record batches instead of single sends, no linger, no 100 ms wait for the broker's "not
yet". It dead-letters nothing and recognises no duplicate; offsets go without the group's generation, as aiokafka
writes them, so that a second process of the group would have to be fenced in another way.
"""

import asyncio
import os
import time
from collections.abc import Sequence

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import ConsumerRecord

from bench.peers.work import Answers
from schemas.topics import topics

_RECORDS = 5_000


async def _run(consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, results: str, group: str) -> None:
    while True:
        taken = await consumer.getmany(timeout_ms=1_000, max_records=_RECORDS)
        if not taken:
            continue
        async with producer.transaction():
            deliveries: list[asyncio.Future[object]] = []
            for partition, records in taken.items():
                deliveries += await _send(producer, results, partition, records)
            await asyncio.gather(*deliveries)
            offsets = {partition: records[-1].offset + 1 for partition, records in taken.items()}
            await producer.send_offsets_to_transaction(offsets, group)


async def _send(
    producer: AIOKafkaProducer, results: str, partition: TopicPartition, records: Sequence[ConsumerRecord]
) -> list[asyncio.Future[object]]:
    answers = Answers(partition.topic, time.time_ns() // 1_000_000)
    deliveries: list[asyncio.Future[object]] = []
    batch = producer.create_batch()
    for record in records:
        key, value, headers = answers.answer(record.value, record.key, record.partition, record.offset)
        if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
            deliveries.append(await producer.send_batch(batch, results, partition=partition.partition))
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=headers)
    deliveries.append(await producer.send_batch(batch, results, partition=partition.partition))
    return deliveries


async def _main() -> None:
    bootstrap, group = os.environ["KAFKA_BOOTSTRAP_SERVERS"], os.environ["BENCH_GROUP"]
    table = topics(os.environ["TOPIC_PREFIX"])
    consumer = AIOKafkaConsumer(
        table.requests.name,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=group, linger_ms=0, retry_backoff_ms=5, max_batch_size=1 << 18
    )
    await producer.start()
    await consumer.start()
    await _run(consumer, producer, table.results.name, group)


if __name__ == "__main__":
    uvloop.run(_main())
