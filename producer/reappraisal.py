"""Values every property of a county anew: published in the background, resumed after a crash, cancelled on request.

Job ids derive from the batch and the property, so whatever is published twice is still one job. What a reappraisal
asks for lies in the job store from before its first record; what has been published is read from the topics. So do
posted batches that a crash interrupted, which are resumed here too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import orjson

from producer import posted
from producer.batching import member_id
from producer.headers import BatchNote
from producer.orders import Order
from producer.properties.base import Condition, Properties
from producer.publisher import Publisher
from producer.steady import SHARE, publish_steadily, published_jobs
from producer.store.base import BatchCounts, NewBatch
from producer.store.errors import StoreError
from producer.view.base import View
from schemas.clock import day_number
from schemas.codec import Request
from schemas.logs import get_logger
from schemas.topics import Topic

_RETRY_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 30.0
_PAGE: Final = 1_000
_DAY_MS: Final = 86_400_000
_T = TypeVar("_T")
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reappraisal:
    """What to value: the properties of a county that meet every condition, as of a day, by a method."""

    county_id: str
    conditions: Sequence[Condition] = ()
    valuation_date: str | None = None
    valuation_method_hint: str | None = None

    def parameters(self) -> bytes:
        """Return this as JSON, to be resumed from."""
        return orjson.dumps(self)

    @classmethod
    def resumed(cls, parameters: bytes) -> "Reappraisal":
        """Return what ``parameters`` once wrote."""
        said = orjson.loads(parameters)
        conditions = [Condition(**condition) for condition in said["conditions"]]
        return cls(said["county_id"], conditions, said["valuation_date"], said["valuation_method_hint"])

    def order(self, batch_id: str, property_id: str, created_ms: int) -> Order:
        """Return the order for one property."""
        stated = self.valuation_date
        request = Request(
            job_id=member_id(batch_id, property_id),
            property_id=property_id,
            county_id=self.county_id,
            created_ms=created_ms,
            day=created_ms // _DAY_MS if stated is None else day_number(stated),
            valuation_method_hint=self.valuation_method_hint,
            batch_id=batch_id,
        )
        return Order(request, stated)


@dataclass(frozen=True, slots=True)
class Reappraisals:
    """Publishes reappraisals in the background, each in a task of its own, and whatever a crash left of any batch."""

    view: View
    properties: Properties
    publisher: Publisher
    topic: Topic
    now_ms: Callable[[], int]
    _tasks: "set[asyncio.Task[None]]"
    _own: set[str]
    """Batches that this process began before it had looked for what others left; empty once it has."""
    _looked: asyncio.Event

    @classmethod
    def over(
        cls, view: View, properties: Properties, publisher: Publisher, topic: Topic, now_ms: Callable[[], int]
    ) -> "Reappraisals":
        """Return the reappraisals of one gateway, none running."""
        return cls(view, properties, publisher, topic, now_ms, set(), set(), asyncio.Event())

    async def start(self) -> None:
        """Resume in the background, once the view is current, what an earlier process left unfinished."""
        self.in_background(self._resume())

    async def stop(self) -> None:
        """Stop publishing; what is left is resumed by the next process."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._own.clear()
        self._looked.clear()

    def publishes(self, batch_id: str) -> None:
        """Take note, before a batch is announced, that this process publishes it, so that it is not resumed as well."""
        if not self._looked.is_set():
            self._own.add(batch_id)

    async def begin(self, wanted: Reappraisal, batch_id: str) -> BatchNote | None:
        """Announce a reappraisal and begin to publish it; returns None where no property meets the conditions."""
        ids = await self.properties.ids(wanted.county_id, wanted.conditions)
        if not ids:
            return None
        note = BatchNote(batch_id, "reappraisal", wanted.county_id, len(ids), self.now_ms())
        self.publishes(batch_id)
        await self.view.create_batch(
            NewBatch(batch_id, "reappraisal", wanted.county_id, len(ids), note.created_ms, wanted.parameters())
        )
        self.in_background(self._publish(wanted, note, ids))
        return note

    def in_background(self, work: "asyncio._CoroutineLike[None]") -> None:
        """Do something for a batch until it is done, or until this gateway stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (wrong := task.exception()) is not None:
            _log.error("publishing a batch failed", exc_info=wrong)

    async def _publish(self, wanted: Reappraisal, note: BatchNote, ids: Sequence[str]) -> None:
        shares = (
            [wanted.order(note.batch_id, property_id, note.created_ms) for property_id in ids[start : start + SHARE]]
            for start in range(0, len(ids), SHARE)
        )
        await publish_steadily(self.view, self.publisher, self.topic, note, shares)

    async def _resume(self) -> None:
        while not (await self.view.catch_up(_LOOK_SECONDS) and await self.properties.catch_up(_LOOK_SECONDS)):
            _log.info("reappraisals wait for the topics to be read")
        left = [counts for counts in await _retried(self._unfinished) if counts.batch_id not in self._own]
        self._looked.set()
        self._own.clear()
        for counts in left:
            if counts.kind == "reappraisal":
                await _retried(partial(self._resume_one, counts))
            else:
                self.in_background(_retried(partial(posted.resume, self.view, self.publisher, self.topic, counts)))

    async def _unfinished(self) -> list[BatchCounts]:
        found: list[BatchCounts] = []
        cursor = None
        while True:
            page = await self.view.batches(limit=_PAGE, cursor=cursor)
            found += [counts for counts in page.items if counts.parameters and counts.state == "PUBLISHING"]
            cursor = page.next
            if cursor is None:
                return found

    async def _resume_one(self, counts: BatchCounts) -> None:
        wanted = Reappraisal.resumed(counts.parameters or b"")
        ids = await self.properties.ids(wanted.county_id, wanted.conditions)
        done = await published_jobs(self.view, counts.batch_id)
        left = [property_id for property_id in ids if member_id(counts.batch_id, property_id) not in done]
        total = len(done) + len(left)
        note = BatchNote(counts.batch_id, "reappraisal", wanted.county_id, total, counts.created_ms)
        await self.view.create_batch(
            NewBatch(note.batch_id, note.kind, note.county_id, total, note.created_ms, counts.parameters)
        )
        _log.info("resuming a reappraisal", batch_id=note.batch_id, published=len(done), left=len(left))
        self.in_background(self._publish(wanted, note, left))


async def _retried(work: Callable[[], Awaitable[_T]]) -> _T:
    """Do what the job store is needed for, as often as it takes."""
    while True:
        try:
            return await work()
        except StoreError as wrong:
            _log.info("a batch waits for the job store", cause=str(wrong))
            await asyncio.sleep(_RETRY_SECONDS)
