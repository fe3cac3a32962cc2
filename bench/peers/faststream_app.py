"""Peer: FastStream with a batch subscriber, a batch published for each partition, offsets committed afterwards.

At least once: FastStream offers no transaction that holds the consumed offsets. Its batches carry one set of headers
for all their records, so that each result lacks its own id and subject; it recognises no duplicate.
"""

import asyncio
import os
import time
from collections import defaultdict

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage, KafkaPublishMessage

from bench.peers.work import Answers
from schemas.topics import topics

_RECORDS = 1_000
_table = topics(os.environ["TOPIC_PREFIX"])
_broker = KafkaBroker(
    os.environ["KAFKA_BOOTSTRAP_SERVERS"], acks="all", enable_idempotence=True, max_batch_size=1 << 20, logger=None
)


async def _raw(message: KafkaMessage) -> list[bytes]:
    """Leave the values as they are: the reading of requests is part of the work."""
    return message.body


@_broker.subscriber(
    _table.requests.name,
    group_id=os.environ["BENCH_GROUP"],
    batch=True,
    max_records=_RECORDS,
    auto_offset_reset="earliest",
    ack_policy=AckPolicy.NACK_ON_ERROR,
    decoder=_raw,
)
async def value(_bodies: list[bytes], message: KafkaMessage) -> None:
    """Answer a batch."""
    answers = Answers(_table.requests.name, time.time_ns() // 1_000_000)
    results: defaultdict[int, list[KafkaPublishMessage]] = defaultdict(list)
    common: dict[str, str] = {}
    for record in message.raw_message:
        key, result, headers = answers.answer(record.value, record.key, record.partition, record.offset)
        results[record.partition].append(KafkaPublishMessage(result, key=key))
        common = common or {name: text.decode() for name, text in headers if name not in {"ce_id", "ce_subject"}}
    await asyncio.gather(
        *(
            _broker.publish_batch(*some, topic=_table.results.name, partition=partition, headers=common)
            for partition, some in results.items()
        )
    )


if __name__ == "__main__":
    asyncio.run(FastStream(_broker, logger=None).run())
