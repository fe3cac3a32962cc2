"""Reads topics from their first committed record to their end, with another Kafka client than the system's own."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

_READ: Final = 5000
_POLL_SECONDS: Final = 0.05
_SILENCE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Record:
    """One committed record."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]


def committed_records(bootstrap: str, topic: str) -> Iterator[Record]:
    """Yield every committed record that a topic holds now, each partition's in order.

    Raises:
        KafkaException: the topic cannot be read.
        TimeoutError: the broker falls silent.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "reader-of-everything",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 50,
            "log_level": 3,
        }
    )
    try:
        partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
        yield from _to_the_ends(consumer, len(partitions))
    finally:
        consumer.close()


def _to_the_ends(consumer: Consumer, partitions: int) -> Iterator[Record]:
    ended: set[int | None] = set()
    heard = time.monotonic()
    while len(ended) < partitions:
        found = consumer.consume(_READ, _POLL_SECONDS)
        heard = time.monotonic() if found else heard
        if time.monotonic() > heard + _SILENCE_SECONDS:
            raise TimeoutError("the broker gives neither records nor the end of the topic")
        for message in found:
            error = message.error()
            if error is None:
                yield _record(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
            elif not error.retriable():
                raise KafkaException(error)


def _record(message: Message) -> Record:
    headers = message.headers() or []
    pairs = headers.items() if isinstance(headers, dict) else headers
    known = {name: value.encode() if isinstance(value, str) else value or b"" for name, value in pairs}
    return Record(_number(message.partition()), _number(message.offset()), message.key(), message.value(), known)


def _number(position: int | None) -> int:
    if position is None:  # a record that was read has a position
        raise AssertionError
    return position
