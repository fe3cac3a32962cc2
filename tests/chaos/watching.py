"""Looks on while a run goes on: a reader of committed results, a customer who asks for jobs, a scraper of metrics."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client.parser import text_string_to_metric_families

from schemas.topics import Topic
from tests.chaos.fleet import Member, now_ms
from tests.chaos.history import Operation, Polled, Scrape, Seen

_AGAIN_SECONDS: Final = 0.3
_POLL_SECONDS: Final = 0.4
_SCRAPE_SECONDS: Final = 2.5
_RECENT: Final = 500
_KEPT: Final = 20
_OK: Final = 200
_TOTALS: Final[Mapping[str, str]] = {
    "valuation_jobs_submitted_total": "submitted",
    "valuation_jobs_completed_total": "completed",
    "valuation_jobs_failed_total": "failed",
    "valuation_processing_duration_seconds_count": "observed",
}
_AWAY: Final = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass(slots=True)
class Watcher:
    """Reads committed results from the first one on; goes on where it was when Kafka was away."""

    bootstrap: str
    topic: Topic
    journal: list[Operation]
    jobs: set[str] = field(default_factory=set)
    """Ids of all jobs whose result was received."""
    _next: dict[TopicPartition, int] = field(default_factory=dict)

    async def watch(self) -> None:
        """Read for ever."""
        while True:
            try:
                await self._read()
            except (KafkaError, OSError):
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, isolation_level="read_committed", enable_auto_commit=False
        )
        await consumer.start()
        try:
            self._take_up(consumer)
            while True:
                for partition, records in (await consumer.getmany(timeout_ms=200, max_records=5000)).items():
                    self._received(partition, records)
        finally:
            await consumer.stop()

    def _take_up(self, consumer: AIOKafkaConsumer) -> None:
        partitions = [TopicPartition(self.topic.name, number) for number in range(self.topic.partitions)]
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, self._next.get(partition, 0))

    def _received(self, partition: TopicPartition, records: Sequence[object]) -> None:
        at = now_ms()
        for record in records:
            key, offset = getattr(record, "key", b""), int(getattr(record, "offset", -1))
            job_id = (key or b"").decode()
            self.jobs.add(job_id)
            self.journal.append(Seen(job_id, partition.partition, offset, at))
            self._next[partition] = offset + 1


@dataclass(slots=True)
class Customer:
    """Asks for the status of accepted jobs: for a recent one, and again for one it has asked for before."""

    url: str
    accepted: Sequence[str]
    journal: list[Operation]
    seed: int

    async def ask(self) -> None:
        """Ask for ever, a few times a second."""
        rng = random.Random(self.seed)  # noqa: S311 - repeatable, not secret
        followed: list[str] = []
        timeout = aiohttp.ClientTimeout(total=6)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                if self.accepted:
                    followed = [*followed[-_KEPT:], rng.choice(self.accepted[-_RECENT:])]
                    for job_id in (followed[-1], rng.choice(followed)):
                        await self._status(session, job_id)
                await asyncio.sleep(_POLL_SECONDS)

    async def _status(self, session: aiohttp.ClientSession, job_id: str) -> None:
        begun = now_ms()
        try:
            async with session.get(f"{self.url}/api/v1/valuation/status/{job_id}") as answer:
                body = await answer.read()
        except _AWAY:
            return
        status = orjson.loads(body)["status"] if answer.status == _OK else None
        self.journal.append(Polled(job_id, begun, answer.status, status, now_ms()))


@dataclass(slots=True)
class Scraper:
    """Reads the counters of the workers now and then."""

    workers: Sequence[Member]
    journal: list[Operation]

    async def scrape(self) -> None:
        """Scrape for ever."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while True:
                for worker in self.workers:
                    await self._one(session, worker)
                await asyncio.sleep(_SCRAPE_SECONDS)

    async def _one(self, session: aiohttp.ClientSession, worker: Member) -> None:
        try:
            async with session.get(f"{worker.url}/metrics") as answer:
                text = await answer.text()
        except _AWAY:
            return
        if answer.status == _OK:
            self.journal.append(Scrape(worker.name, now_ms(), **totals(text)))


def totals(text: str) -> dict[str, int]:
    """Return the sums over all labels of the four counters, from a scrape's text."""
    sums = dict.fromkeys(_TOTALS.values(), 0)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in _TOTALS:
                sums[_TOTALS[sample.name]] += int(sample.value)
    return sums
