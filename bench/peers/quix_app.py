"""Peer: Quix Streams with ``processing_guarantee="exactly-once"``: one transactional producer, a checkpoint at a time.

A result goes to the partition of its key, as Quix chooses it; headers are written as everywhere. It recognises no
duplicate. How often it commits is told by the environment: often for latency, seldom for throughput.
"""

import os
import time

from quixstreams import Application, message_context

from bench.peers.work import Answers
from schemas.topics import topics


def main() -> None:
    """Run the application until ended by a signal."""
    table = topics(os.environ["TOPIC_PREFIX"])
    app = Application(
        broker_address=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        consumer_group=os.environ["BENCH_GROUP"],
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=float(os.environ["BENCH_COMMIT_SECONDS"]),
        commit_every=int(os.environ["BENCH_COMMIT_RECORDS"]),
        consumer_poll_timeout=0.01,
        consumer_extra_config={"isolation.level": "read_committed"},
        producer_extra_config={"linger.ms": 0, "queue.buffering.max.messages": 1_000_000},
        auto_create_topics=False,
        loglevel="ERROR",
    )
    requests = app.topic(table.requests.name, value_deserializer="bytes", key_deserializer="bytes")
    results = app.topic(table.results.name, value_serializer="bytes", key_serializer="bytes")

    made: list[tuple[str, bytes]] = []

    def answer(value: bytes, key: bytes, _timestamp: int, _headers: object) -> bytes:
        context = message_context()
        answers = Answers(table.requests.name, time.time_ns() // 1_000_000)
        _, result, made[:] = answers.answer(value, key, context.partition, context.offset)
        return result

    frame = app.dataframe(requests).apply(answer, metadata=True)
    frame = frame.set_headers(lambda *_: made)
    frame.to_topic(results)
    app.run()


if __name__ == "__main__":
    main()
