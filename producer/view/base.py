"""What the gateway may ask of its view of the topics; ``JobView`` is the real one, tests may use any other."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Protocol
from uuid import UUID

from producer.store.base import JobReads
from producer.view.live import LiveFilter, Subscription


class Awaited(Protocol):
    """The result of one job, being waited for since before its request was published."""

    async def wait(self, timeout_s: float) -> bytes | None:
        """Return the result event's JSON once it is committed and visible to ``result``; None when time is up."""


class View(JobReads, Protocol):
    """Jobs as the topics tell them, a few milliseconds behind the topics' ends."""

    @property
    def ready(self) -> bool:
        """Whether the view has caught up once since it started and is following now."""

    @property
    def trouble(self) -> str | None:
        """Return why the view is not ready, in a sentence for ``/readyz``; None when it is."""

    def lag(self) -> int:
        """Return how many offsets of the requests and results topics are not yet in the view (cheap, may be stale)."""

    async def start(self) -> None:
        """Open the store and begin to follow; returns without waiting for Kafka, which is retried for ever."""

    async def stop(self) -> None:
        """Write what is in hand and let go of Kafka and the store."""

    async def catch_up(self, timeout_s: float) -> bool:
        """Wait until the view holds every request that was on the topic when this was called; False when time is up."""

    def expect(self, job_id: UUID) -> AbstractContextManager[Awaited]:
        """Wait for a job's result from now on: enter before publishing its request, then ``await awaited.wait(s)``."""

    def subscribe(
        self, wanted: LiveFilter, last_event_id: str | None = None
    ) -> AbstractAsyncContextManager[Subscription]:
        """Listen to committed results, in order within each partition, from after ``last_event_id`` or from now.

        Raises (on entering):
            BadEventId: the id is none that this view gave out.
            LogUnavailable: the view has not begun to follow yet.
        """
