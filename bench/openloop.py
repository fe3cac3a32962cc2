"""Requests at a fixed rate, and when their results can be seen: an open loop, so that a slow system slows no load.

A request's time runs from the moment it is due, not from when it could be sent. Load and watcher stand on librdkafka,
in two threads of one process: they take little of the machine that they share with what is measured.
"""

import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.clock import rfc3339
from schemas.topics import Topics

_TICK_SECONDS = 0.001
_PATIENCE_SECONDS = 10.0


@dataclass(slots=True)
class Run:
    """What a load came to: when each request was due, and when its result was seen."""

    due: dict[bytes, float]
    seen: dict[bytes, float] = field(default_factory=dict)

    def ms(self) -> list[float]:
        """Return the latencies of the answered requests, sorted."""
        return sorted((at - self.due[job]) * 1e3 for job, at in self.seen.items() if job in self.due)

    @property
    def unanswered(self) -> int:
        """How many requests have no result yet."""
        return sum(job not in self.seen for job in self.due)


class Watcher:
    """Notes when results become visible to a `read_committed` reader, from its making on; a context manager."""

    def __init__(self, bootstrap: str, table: Topics) -> None:
        self.seen: dict[bytes, float] = {}
        self._ended = threading.Event()
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"watcher-{uuid.uuid4().hex}",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
            }
        )
        results = table.results
        ends = [
            self._consumer.get_watermark_offsets(TopicPartition(results.name, number), timeout=10)[1]
            for number in range(results.partitions)
        ]
        self._consumer.assign([TopicPartition(results.name, number, end) for number, end in enumerate(ends)])
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._consumer.close()

    def _watch(self) -> None:
        while not self._ended.is_set():
            record = self._consumer.poll(0.2)
            if record is not None and record.error() is None:
                self.seen.setdefault(record.key() or b"", time.perf_counter())


class Load:
    """Publishes requests to one set of topics."""

    def __init__(self, bootstrap: str, table: Topics) -> None:
        self._topic = table.requests.name
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True, "linger.ms": 5}
        )
        self._producer.list_topics(self._topic, timeout=10)

    def run(self, watcher: Watcher, rate: int, seconds: float) -> Run:
        """Publish at a rate for a while, and wait for the results, but not for ever."""
        bodies = _bodies(int(rate * seconds))
        started = time.perf_counter()
        run = Run({job: started + number / rate for number, (job, _) in enumerate(bodies)}, watcher.seen)
        count = 0
        while count < len(bodies):
            due = min(len(bodies), int((time.perf_counter() - started) * rate) + 1)
            for job, body in bodies[count:due]:
                self._producer.produce(self._topic, body, job)
            count = due
            self._producer.poll(0)
            time.sleep(_TICK_SECONDS)
        self._producer.flush(10)
        end = time.perf_counter() + _PATIENCE_SECONDS
        while run.unanswered and time.perf_counter() < end:
            time.sleep(0.05)
        return run


def _bodies(count: int) -> Sequence[tuple[bytes, bytes]]:
    now = rfc3339(time.time_ns() // 1_000_000)
    jobs = [str(uuid.uuid4()) for _ in range(count)]
    rest = {"county_id": "BENTON", "created_at": now}
    return [
        (job.encode(), orjson.dumps({"job_id": job, "property_id": f"PROP{number % 5_000 + 1}", **rest}))
        for number, job in enumerate(jobs)
    ]
