"""Peer: a loop on confluent-kafka (librdkafka) with one transactional producer, up to 5,000 records a transaction.

Exactly once in one process, fenced by the group's generation; it dead-letters nothing and recognises no duplicate. It
waits for one record and takes whatever else is there, so that transactions are small without a backlog and large with
one. The reading and writing of events is this system's own, headers included, so that the work is the same.
"""

import os
import time
from typing import cast

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from bench.peers.work import Answers
from schemas.topics import topics

_RECORDS = 5_000
Headers = list[tuple[str, str | bytes | None]]


def main() -> None:
    """Consume, answer, commit, until ended by a signal."""
    bootstrap, group = os.environ["KAFKA_BOOTSTRAP_SERVERS"], os.environ["BENCH_GROUP"]
    table = topics(os.environ["TOPIC_PREFIX"])
    quick = {"bootstrap.servers": bootstrap, "socket.nagle.disable": True, "retry.backoff.ms": 5}
    consumer = Consumer(
        {
            **quick,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    producer = Producer(
        {
            **quick,
            "transactional.id": group,
            "linger.ms": 0,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    producer.init_transactions(30)
    consumer.subscribe([table.requests.name])
    while True:
        records = _taken(consumer)
        if not records:
            continue
        producer.begin_transaction()
        ends: dict[int, int] = {}
        answers = Answers(table.requests.name, time.time_ns() // 1_000_000)
        for record in records:
            partition, offset = record.partition() or 0, record.offset() or 0
            key, value, headers = answers.answer(record.value(), record.key(), partition, offset)
            producer.produce(table.results.name, value, key, partition, headers=cast("Headers", headers))
            ends[partition] = offset + 1
        offsets = [TopicPartition(table.requests.name, number, offset) for number, offset in ends.items()]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata())
        producer.commit_transaction()


def _taken(consumer: Consumer) -> list[Message]:
    """Return what has arrived, having waited for one record at least."""
    first = consumer.consume(1, 1.0)
    more = consumer.consume(_RECORDS, 0) if first else []
    return [record for record in (*first, *more) if record.error() is None]


if __name__ == "__main__":
    main()
