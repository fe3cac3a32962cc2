"""Peer: Faust as its documentation shows it, one agent that sends a result for each event. At least once."""

import os
import tempfile
import time

import faust

from bench.peers.work import Answers
from schemas.topics import topics

_table = topics(os.environ["TOPIC_PREFIX"])
app = faust.App(
    os.environ["BENCH_GROUP"],
    broker=f"kafka://{os.environ['KAFKA_BOOTSTRAP_SERVERS']}",
    web_enabled=False,
    datadir=tempfile.mkdtemp(prefix="bench-faust-"),
    topic_disable_leader=True,
    broker_commit_interval=0.5,
    consumer_auto_offset_reset="earliest",
    value_serializer="raw",
    key_serializer="raw",
)
_requests = app.topic(_table.requests.name, value_type=bytes, value_serializer="raw", key_serializer="raw")
_results = app.topic(_table.results.name, value_type=bytes, value_serializer="raw", key_serializer="raw")


@app.agent(_requests)
async def value(stream: faust.Stream[bytes]) -> None:
    """Answer every event."""
    async for event in stream.events():
        message = event.message
        answers = Answers(message.topic, time.time_ns() // 1_000_000)
        key, result, headers = answers.answer(message.value, message.key, message.partition, message.offset)
        await _results.send(key=key, value=result, headers=dict(headers), partition=message.partition)


if __name__ == "__main__":
    app.main()
