"""What the view hands out to those who listen: committed results one by one, each with an id to resume from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LiveFilter:
    """Which results a listener wants; None means any. ``job_id`` is in the canonical form."""

    county_id: str | None = None
    batch_id: str | None = None
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class LiveResult:
    """One committed result. ``data`` is the result event's JSON on one line; ``id`` resumes right after it.

    ``partition`` and ``offset`` are its place on the results topic.
    """

    id: str
    data: bytes
    partition: int
    offset: int

    @property
    def frame(self) -> bytes:
        """Return the result as one event of a ``text/event-stream``."""
        return b"id: %b\ndata: %b\n\n" % (self.id.encode(), self.data)


class Subscription(Protocol):
    """One listener's place in the feed."""

    @property
    def id(self) -> str:
        """Return the id that resumes right after everything taken so far; good to send with a heartbeat."""

    async def take(self, timeout_s: float) -> Sequence[LiveResult]:
        """Return the results that have come since the last call, at least one; nothing when time is up.

        Raises:
            SlowListener: more came than is kept for a listener; it may resume from the last id it took.
        """
