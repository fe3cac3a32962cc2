# ruff: noqa: ARG002 - fakes take what the real ones take
"""Hand-written stand-ins for Kafka, the job view and the roll, enough to run the whole gateway without either."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from producer.headers import read_idempotency
from producer.lane import Record
from producer.orders import Order
from producer.properties.base import Condition, CountySize, PropertyPage
from producer.store.base import BatchCounts, BatchPage, JobFilter, NewBatch, Page
from producer.view.errors import BadEventId, SlowListener
from producer.view.live import LiveFilter, LiveResult, Subscription
from schemas.codec import decode_request


@dataclass(slots=True)
class FakeAwaited:
    view: "FakeView"
    job_id: UUID
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, timeout_s: float) -> bytes | None:
        try:
            async with asyncio.timeout(timeout_s):
                await self.done.wait()
        except TimeoutError:
            return None
        return self.view.finished[self.job_id]


@dataclass(slots=True)
class FakeSubscription:
    view: "FakeView"
    at: int

    @property
    def id(self) -> str:
        return str(self.at)

    async def take(self, timeout_s: float) -> Sequence[LiveResult]:
        if self.view.overtaken:
            raise SlowListener("too far behind")
        try:
            async with asyncio.timeout(timeout_s):
                while self.at >= len(self.view.events):
                    await self.view.more.wait()
                    self.view.more.clear()
        except TimeoutError:
            return []
        results, self.at = self.view.events[self.at :], len(self.view.events)
        return results


@dataclass(slots=True)
class FakeView:
    """Jobs as a fake cluster's requests tell them; visible only after ``catch_up`` where ``late``."""

    requests_topic: str = "valuation.requests"
    ready: bool = True
    trouble: str | None = None
    reachable: bool = True
    late: bool = False
    answers: Callable[[dict[str, object]], dict[str, object] | None] = lambda _: None
    pending: dict[UUID, dict[str, object]] = field(default_factory=dict)
    visible: dict[UUID, dict[str, object]] = field(default_factory=dict)
    finished: dict[UUID, bytes] = field(default_factory=dict)
    keys: dict[UUID, tuple[UUID, bytes]] = field(default_factory=dict)
    waiters: dict[UUID, list[FakeAwaited]] = field(default_factory=dict)
    catch_ups: int = 0
    filters: list[JobFilter] = field(default_factory=list)
    pages: int = 1
    broken_page: Exception | None = None
    events: list[LiveResult] = field(default_factory=list)
    listening: list[LiveFilter] = field(default_factory=list)
    overtaken: bool = False
    more: asyncio.Event = field(default_factory=asyncio.Event)
    seen: asyncio.Event = field(default_factory=asyncio.Event)
    announced: dict[str, NewBatch] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    current: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared where catching up should take until it is set again."""

    def __post_init__(self) -> None:
        self.current.set()

    def read(self, topic: str, record: Record) -> None:
        """Follow a fake cluster."""
        if topic != self.requests_topic:
            return
        request = decode_request(
            record.value, key=record.key, topic=topic, partition=0, offset=0, timestamp_ms=record.timestamp_ms
        )
        job_id = UUID(request.job_id)
        key = read_idempotency(record.headers)
        if key is not None:
            self.keys[key[0]] = (job_id, key[1])
        self.seen.set()
        self.pending.setdefault(job_id, Order(request, None).job())
        if not self.late:
            self._show()
        if (result := self.answers(self.pending[job_id])) is not None:
            self.finish(job_id, result)

    def finish(self, job_id: UUID, result: dict[str, object]) -> None:
        """Let a job end."""
        ended = {**self.pending[job_id], "status": "COMPLETED", "completed_at": "2026-11-23T09:00:01.000Z"}
        self.pending[job_id] = ended
        self.finished[job_id] = orjson.dumps({**ended, "result": result})
        for waiter in self.waiters.get(job_id, []):
            waiter.done.set()
        self.events.append(LiveResult(str(len(self.events) + 1), self.finished[job_id], 0, len(self.events)))
        self.more.set()

    def _show(self) -> None:
        self.visible |= self.pending

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def lag(self) -> int:
        return 0

    async def catch_up(self, timeout_s: float) -> bool:
        self.catch_ups += 1
        await self.current.wait()
        if self.reachable:
            self._show()
        return self.reachable

    @contextmanager
    def expect(self, job_id: UUID) -> Iterator[FakeAwaited]:
        waiter = FakeAwaited(self, job_id)
        self.waiters.setdefault(job_id, []).append(waiter)
        yield waiter
        self.waiters[job_id].remove(waiter)

    @asynccontextmanager
    async def subscribe(self, wanted: LiveFilter, last_event_id: str | None = None) -> AsyncIterator[Subscription]:
        if last_event_id is not None and not last_event_id.isdigit():
            raise BadEventId(last_event_id)
        self.listening.append(wanted)
        yield FakeSubscription(self, int(last_event_id or len(self.events)))

    async def job(self, job_id: UUID) -> bytes | None:
        found = self.visible.get(job_id)
        return None if found is None else orjson.dumps(self.pending[job_id])

    async def result(self, job_id: UUID) -> bytes | None:
        if job_id in self.finished:
            return self.finished[job_id]
        found = self.visible.get(job_id)
        return None if found is None else orjson.dumps({**found, "result": None})

    async def jobs(self, wanted: JobFilter, *, results: bool = False) -> Page:
        self.filters.append(wanted)
        if wanted.cursor is not None and self.broken_page is not None:
            raise self.broken_page
        more = "more" if len(self.filters) < self.pages else None
        return Page(orjson.dumps(list(self.visible.values())[: wanted.limit]), len(self.visible), more)

    async def idempotency(self, key_id: UUID) -> tuple[UUID, bytes] | None:
        return self.keys.get(key_id)

    async def batch(self, batch_id: str) -> BatchCounts | None:
        known = self.announced.get(batch_id)
        if known is None:
            return None
        jobs = [job for job in self.pending.values() if job["batch_id"] == batch_id]
        return BatchCounts(
            batch_id=batch_id,
            kind=known.kind,
            county_id=known.county_id,
            total=known.total,
            published=len(jobs),
            completed=sum(job["status"] == "COMPLETED" for job in jobs),
            failed_by_reason={},
            cancelled=batch_id in self.cancelled,
            created_ms=known.created_ms,
            updated_ms=known.created_ms,
            first_result_ms=None,
            parameters=known.parameters,
        )

    async def batches(self, *, county_id: str | None = None, limit: int = 100, cursor: str | None = None) -> BatchPage:
        known = [found for name in self.announced if (found := await self.batch(name)) is not None]
        return BatchPage([each for each in known if county_id in {None, each.county_id}], None)

    async def create_batch(self, batch: NewBatch) -> None:
        self.announced[batch.batch_id] = batch

    async def cancel_batch(self, batch_id: str, *, now_ms: int) -> BatchCounts | None:
        self.cancelled.add(batch_id)
        return await self.batch(batch_id)


@dataclass(slots=True)
class FakeProperties:
    """A roll in memory, filled from a fake cluster."""

    ready: bool = True
    reachable: bool = True
    topic: str = "property.records"
    records: dict[tuple[str, str], bytes] = field(default_factory=dict)
    serving: dict[str, bytes] = field(default_factory=dict)

    def read(self, topic: str, record: Record) -> None:
        if topic == self.topic and record.value is not None:
            county, _, own = record.key.decode().partition("/")
            self.records[county, own] = record.value

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def catch_up(self, timeout_s: float) -> bool:
        return self.reachable

    async def find(self, county_id: str, property_id: str) -> bytes | None:
        return self.records.get((county_id, property_id))

    async def search(self, county_id: str, text: str, *, after: str | None, limit: int) -> PropertyPage:
        ids = sorted(own for county, own in self.records if county == county_id and own.startswith(text))
        ids = [own for own in ids if after is None or own > after]
        page = ids[:limit]
        items = [self.records[county_id, own] for own in page]
        return PropertyPage(items, page[-1] if len(ids) > limit else None)

    async def ids(self, county_id: str, conditions: Sequence[Condition]) -> Sequence[str]:
        rows = sorted(
            (own, orjson.loads(record)) for (county, own), record in self.records.items() if county == county_id
        )
        return [own for own, record in rows if all(condition.met_by(record) for condition in conditions)]

    async def counties(self) -> Sequence[CountySize]:
        sizes: dict[str, int] = {}
        for county, _ in self.records:
            sizes[county] = sizes.get(county, 0) + 1
        return [CountySize(county, size) for county, size in sorted(sizes.items())]

    async def models(self) -> Mapping[str, bytes]:
        return self.serving
