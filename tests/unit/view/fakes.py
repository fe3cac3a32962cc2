"""Topics in memory, with the faults that Kafka has: away, wiped, grown, cut off by retention."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from producer.store.base import Place
from producer.view.errors import ForeignLog, LogUnavailable
from producer.view.log import Opened, Polled, Record
from schemas.codec import Request, encode_request
from schemas.reasons import FailureReason
from schemas.result_codec import encode_completed, encode_failed
from schemas.topics import topics

TOPICS = topics("t.")
REQUESTS = TOPICS.requests.name
RESULTS = TOPICS.results.name
T0 = 1_767_225_600_000


@dataclass(frozen=True, slots=True)
class FakeRecord:
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(slots=True, eq=False)
class Cluster:
    """Partitions of records; what ``starts`` cuts off is gone, as by retention."""

    cluster_id: str = "cluster-1"
    partitions: int = 2
    away: bool = False
    frozen: bool = False
    records: dict[Place, list[Record]] = field(default_factory=dict)
    starts: dict[Place, int] = field(default_factory=dict)
    more: asyncio.Event = field(default_factory=asyncio.Event)
    lookups: int = 0

    def places(self) -> list[Place]:
        return [(topic, partition) for topic in (REQUESTS, RESULTS) for partition in range(self.partitions)]

    def append(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int = 0,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Record:
        log = self.records.setdefault((topic, partition), [])
        record = FakeRecord(topic, partition, len(log), T0, key, value, headers)
        log.append(record)
        self.more.set()
        return record

    def request(self, job_id: UUID, *, partition: int = 0, headers: Sequence[tuple[str, bytes]] = ()) -> Record:
        value = encode_request(request_of(job_id), valuation_date=None)
        return self.append(REQUESTS, value, key=str(job_id).encode(), partition=partition, headers=headers)

    def result(self, job_id: UUID, *, partition: int = 0, county_id: str = "BENTON") -> Record:
        value = completed(job_id, county_id=county_id)
        return self.append(RESULTS, value, key=str(job_id).encode(), partition=partition)

    def failure(self, job_id: UUID, reason: FailureReason, *, partition: int = 0) -> Record:
        at = "2026-01-01T00:00:00.020Z"
        value = encode_failed(request_of(job_id), reason, "no", started_at=at, completed_at=at)
        return self.append(RESULTS, value, key=str(job_id).encode(), partition=partition)

    def end(self, place: Place) -> int:
        return len(self.records.get(place, ()))


def request_of(job_id: UUID, county_id: str = "BENTON", batch_id: str | None = None) -> Request:
    return Request(str(job_id), "PROP123", county_id, T0, 20_454, batch_id=batch_id)


def completed(job_id: UUID, *, county_id: str = "BENTON", batch_id: str | None = None) -> bytes:
    at = "2026-01-01T00:00:00.020Z"
    request = request_of(job_id, county_id, batch_id)
    return encode_completed(request, started_at=at, completed_at=at, result=b'{"estimated_value":412300}')


class MemoryLog:
    """Reads a cluster in memory as ``KafkaLog`` reads a real one."""

    def __init__(self, cluster: Cluster, *, at_once: int = 1000) -> None:
        self.cluster = cluster
        self._at_once = at_once
        self._positions: dict[Place, int] | None = None

    async def open(self, positions: Mapping[Place, int], cluster_id: str | None) -> Opened:
        cluster = self.cluster
        self._reach()
        if cluster_id is not None and cluster_id != cluster.cluster_id:
            raise ForeignLog("another cluster")
        ends = {place: cluster.end(place) for place in cluster.places()}
        if any(position > ends.get(place, -1) for place, position in positions.items()):
            raise ForeignLog("beyond the end")
        begin = {place: max(positions.get(place, 0), cluster.starts.get(place, 0)) for place in ends}
        self._positions = dict(begin)
        return Opened(cluster.cluster_id, begin, ends)

    async def close(self) -> None:
        self._positions = None

    async def poll(self, wait_s: float) -> Polled:
        if not self._fetch():
            self.cluster.more.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self.cluster.more.wait()
        found = self._fetch()
        positions = {(batch[0].topic, batch[0].partition): batch[-1].offset + 1 for batch in found}
        assert self._positions is not None
        self._positions.update(positions)
        return Polled(found, positions)

    async def rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def ends(self, topics: Sequence[str]) -> Mapping[Place, int]:
        self._reach()
        self.cluster.lookups += 1
        ends = {place: self.cluster.end(place) for place in self.cluster.places() if place[0] in topics}
        await asyncio.sleep(0)
        return ends

    def lag(self) -> int:
        return sum(self.cluster.end(place) - at for place, at in (self._positions or {}).items())

    def silent(self) -> bool:
        return self.cluster.away

    def between(self, first: Mapping[Place, int], last: Mapping[Place, int]) -> "MemoryReplay":
        return MemoryReplay(self.cluster, first, last)

    def _reach(self) -> None:
        if self.cluster.away:
            raise LogUnavailable("Kafka is away")

    def _fetch(self) -> list[list[Record]]:
        self._reach()
        if self._positions is None or len(self._positions) != len(self.cluster.places()):
            raise LogUnavailable("a topic has got more partitions")
        if self.cluster.frozen:
            return []
        found = [self.cluster.records.get(place, [])[at : at + self._at_once] for place, at in self._positions.items()]
        return [records for records in found if records]


class MemoryReplay:
    """Reads a stretch of a cluster in memory, three records of each partition at a time."""

    def __init__(self, cluster: Cluster, first: Mapping[Place, int], last: Mapping[Place, int]) -> None:
        self._cluster = cluster
        self._at = dict(first)
        self._last = last

    @property
    def done(self) -> bool:
        return all(at >= self._last[place] for place, at in self._at.items())

    async def open(self) -> None:
        if self._cluster.away:
            raise LogUnavailable("Kafka is away")

    async def close(self) -> None:
        return None

    async def read(self) -> Polled:
        await asyncio.sleep(0)
        found = []
        for place, at in self._at.items():
            until = min(at + 3, self._last[place])
            if until > at:
                found.append(self._cluster.records[place][at:until])
                self._at[place] = until
        return Polled(found, dict(self._at))
