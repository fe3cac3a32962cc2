"""The gateway's collaborators in one place, and what several operations do with them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

from producer.deadletters.base import DeadLetters
from producer.errors import NotFound, ViewBehind
from producer.idempotency import IdempotencyKeys
from producer.listeners import Listeners
from producer.metrics import GatewayMetrics
from producer.properties.base import Properties
from producer.publisher import Publisher
from producer.reappraisal import Reappraisals
from producer.security.guard import Guard
from producer.settings import GatewaySettings
from producer.store.base import BatchCounts
from producer.view.base import View
from schemas.topics import Topics

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_RETRY_SOON: Final = {"Retry-After": "2"}


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything an operation works with. ``now_ms`` returns milliseconds since 1970-01-01."""

    settings: GatewaySettings
    topics: Topics
    publisher: Publisher
    view: View
    properties: Properties
    keys: IdempotencyKeys
    reappraisals: Reappraisals
    listeners: Listeners
    metrics: GatewayMetrics
    now_ms: Callable[[], int]
    guard: Guard = field(default_factory=Guard)
    dead_letters: DeadLetters | None = None
    tracer: "Tracer | None" = None

    async def catch_up(self) -> None:
        """Return when the job view holds every request published so far.

        Raises:
            ViewBehind: it does not get there in time; Kafka may be away.
        """
        if not await self.view.catch_up(self.settings.gateway_catch_up_seconds):
            raise ViewBehind("The job view cannot read the topics at present.", headers=_RETRY_SOON)

    async def known(self, read: Callable[[UUID], Awaitable[bytes | None]], job_id: UUID) -> bytes | None:
        """Return what ``read`` finds for a job; None only where no topic held the job when this was called."""
        found = await read(job_id)
        if found is None:
            await self.catch_up()
            found = await read(job_id)
        return found

    async def batch(self, batch_id: str) -> BatchCounts:
        """Return where a batch stands.

        Raises:
            NotFound: no topic held the batch when this was called.
            ViewBehind: the job view cannot tell.
        """
        counts = await self.view.batch(batch_id)
        if counts is None:
            await self.catch_up()
            counts = await self.view.batch(batch_id)
        if counts is None:
            raise NotFound(f"There is no batch {batch_id}.")
        return counts
