"""What a job store promises, whichever database is behind it.

Rows and the topic offsets they came from are written in one transaction, and writing the same events again changes
nothing: so every result reaches the view exactly once, however often the gateway dies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from producer.store.outcomes import FIRST_FINAL
from schemas.reasons import FailureReason, JobStatus

BatchKind = Literal["batch", "reappraisal"]
Place = tuple[str, int]
"""A topic and a partition of it."""

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


class JobRow(NamedTuple):
    """One job as one event shows it: as requested (``PENDING``), or as it ended.

    ``outcome`` is a code of ``producer.store.outcomes``. ``job`` is the job object as JSON, ``result`` the JSON of its
    result, None unless it completed. ``offset`` is where the event lies in ``partition`` of the requests topic for a
    pending row, of the results topic for a final one.
    """

    job_id: bytes
    created_ms: int
    updated_ms: int
    outcome: int
    county_id: str
    property_id: str
    batch_id: str | None
    job: bytes
    result: bytes | None
    partition: int
    offset: int

    def supersedes(self, known: "JobRow") -> bool:
        """Whether this row replaces one that is known of the same job: final over pending, later over earlier."""
        return self.outcome >= FIRST_FINAL and (known.outcome < FIRST_FINAL or self.updated_ms >= known.updated_ms)


class KeyRow(NamedTuple):
    """An idempotency key: which job it made, and the fingerprint of the body that came with it."""

    key_id: bytes
    job_id: bytes
    fingerprint: bytes
    created_ms: int


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch as its publisher, or any of its records, describes it."""

    batch_id: str
    kind: BatchKind
    county_id: str | None
    total: int | None
    created_ms: int
    parameters: bytes | None = None
    """JSON of what its publisher needs to resume it; None where only its records are known."""


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """A batch and how far it has come; a job is counted once, by how it stands now."""

    batch_id: str
    kind: BatchKind
    county_id: str | None
    total: int | None
    published: int
    completed: int
    failed_by_reason: Mapping[str, int]
    cancelled: bool
    created_ms: int
    updated_ms: int
    first_result_ms: int | None
    parameters: bytes | None

    @property
    def failed(self) -> int:
        """Return the number of failed jobs."""
        return sum(self.failed_by_reason.values())

    @property
    def finished(self) -> int:
        """Return the number of jobs that have ended, either way."""
        return self.completed + self.failed

    @property
    def state(self) -> Literal["PUBLISHING", "RUNNING", "COMPLETED", "CANCELLED"]:
        """Return the state of the contract: ``PUBLISHING -> RUNNING -> COMPLETED | CANCELLED``."""
        if self.cancelled:
            return "CANCELLED"
        total = self.published if self.total is None else self.total
        if self.published < total:
            return "PUBLISHING"
        return "RUNNING" if self.finished < total else "COMPLETED"


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs to list; None means any. ``limit`` is 1 to 1000, ``created_after_ms`` excludes its own instant."""

    county_id: str | None = None
    property_id: str | None = None
    status: JobStatus | None = None
    failure_reason: FailureReason | None = None
    batch_id: str | None = None
    created_after_ms: int | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    def __post_init__(self) -> None:
        """Refuse a limit that is out of bounds."""
        if not 1 <= self.limit <= MAX_LIMIT:
            raise ValueError(f"limit must be 1 to {MAX_LIMIT}")

    @property
    def listing(self) -> tuple[object, ...]:
        """Return what a cursor of this listing is bound to: everything but the page."""
        return (
            self.county_id,
            self.property_id,
            self.status,
            self.failure_reason,
            self.batch_id,
            self.created_after_ms,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing, newest first: ``items`` is a JSON array, ``next`` the cursor of the following page."""

    items: bytes
    count: int
    next: str | None


@dataclass(frozen=True, slots=True)
class BatchPage:
    """One page of batches, newest first."""

    items: Sequence[BatchCounts]
    next: str | None


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far the store has read the topics of which cluster; ``generation`` changes whenever it is emptied."""

    generation: str
    cluster_id: str | None
    positions: Mapping[Place, int]


@dataclass(frozen=True, slots=True)
class Changes:
    """What to write in one transaction: events, and the positions after them."""

    generation: str
    requests_topic: str
    results_topic: str
    positions: Mapping[Place, int]
    rows: Sequence[JobRow] = ()
    keys: Sequence[KeyRow] = ()
    batches: Sequence[NewBatch] = ()


@dataclass(frozen=True, slots=True)
class Retention:
    """How much to keep: result bodies by age and total size, jobs by age."""

    result_age_ms: int = 30 * 86_400_000
    result_bytes: int = 2 << 30
    job_age_ms: int = 400 * 86_400_000


@dataclass(frozen=True, slots=True)
class Pruned:
    """What one round of pruning removed; ``more`` says that a further round would remove more."""

    results: int = 0
    jobs: int = 0
    more: bool = False


class JobReads(Protocol):
    """What may be asked of a job store, and of the view in front of it (which also knows what is not yet stored)."""

    async def job(self, job_id: UUID) -> bytes | None:
        """Return the job object as JSON, None where the job is unknown."""

    async def result(self, job_id: UUID) -> bytes | None:
        """Return the job object with its ``result`` as JSON; ``result`` is null until COMPLETED, and once pruned."""

    async def jobs(self, wanted: JobFilter, *, results: bool = False) -> Page:
        """List jobs, newest first; with ``results`` every item is as ``result`` returns it.

        Raises:
            BadCursor: the cursor is none of this listing.
        """

    async def idempotency(self, key_id: UUID) -> tuple[UUID, bytes] | None:
        """Return the job that an idempotency key made and the fingerprint of its body, None where unknown."""

    async def batch(self, batch_id: str) -> BatchCounts | None:
        """Return one batch, None where unknown."""

    async def batches(
        self, *, county_id: str | None = None, limit: int = DEFAULT_LIMIT, cursor: str | None = None
    ) -> BatchPage:
        """List batches, of a county or all of them, newest first.

        Raises:
            BadCursor: the cursor is none of this listing.
        """

    async def create_batch(self, batch: NewBatch) -> None:
        """Announce a batch before its first record is published; one that exists keeps its counts."""

    async def cancel_batch(self, batch_id: str, *, now_ms: int) -> BatchCounts | None:
        """Mark a batch cancelled unless it has completed; return how it stands now, None where unknown."""


class JobStore(JobReads, Protocol):
    """A database of jobs. Every method may raise ``StoreUnavailable``, and then has changed nothing."""

    async def open(self) -> None:
        """Create or check the schema and get ready; to be called once, before anything else."""

    async def close(self) -> None:
        """Give up connections and threads; what was applied stays."""

    async def bookmark(self) -> Bookmark:
        """Return how far the store has read."""

    async def apply(self, changes: Changes) -> None:
        """Write events and positions in one transaction; applying the same events again changes nothing.

        A final row wins over a pending one whichever comes first; of two final rows the later updated wins.
        Positions never go back.

        Raises:
            StoreReplaced: the store was emptied since ``changes.generation``; nothing was written.
        """

    async def reset(self, cluster_id: str | None) -> Bookmark:
        """Forget jobs, results, batches and positions, and start anew for a cluster; returns the new bookmark."""

    async def adopt(self, cluster_id: str) -> None:
        """Note the cluster that the positions belong to, where none was noted."""

    async def prune(self, retention: Retention, *, now_ms: int) -> Pruned:
        """Remove a bounded share of what is beyond retention, oldest first; writes go on between two calls."""
