"""What travels between a lane and the agent: records of one partition on the way in, their outcomes on the way back."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from processor.dedupe import Sightings
from processor.wire import Headers

Row = bytes
"""A record to write: key, value and headers as ``processor.wire`` frames them."""


class Record(Protocol):
    """One record of the requests topic."""

    @property
    def offset(self) -> int:
        """Position in the partition."""
        ...

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970-01-01; negative when unknown."""
        ...

    @property
    def key(self) -> bytes | None:
        """The record's key."""
        ...

    @property
    def value(self) -> bytes | None:
        """The record's value; untrusted."""
        ...

    @property
    def headers(self) -> Headers:
        """The record's headers; untrusted."""
        ...


@dataclass(frozen=True, slots=True)
class Traced:
    """A job whose request carries a trace context, and why it failed if it did."""

    job_id: str
    traceparent: bytes
    failure: str | None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Everything that one batch comes to; written, committed and counted together."""

    records: int
    """How many records were read."""
    results: list[Row]
    dead_letters: list[Row]
    dead_positions: list[int]
    """Which records of the batch became dead letters, counted from 0."""
    tally: Mapping[tuple[str, str | None], int]
    """Jobs by county label and failure reason; None is a completed job."""
    durations: Sequence[tuple[str, float, int]]
    """County label, seconds from the start of handling to the outcome, and how many jobs took that long."""
    created_ms: Sequence[int]
    """When each of the jobs was created."""
    duplicates: int
    """Requests whose job was settled, or is being settled, already."""
    traced: Sequence[Traced] = ()


@dataclass(slots=True, eq=False)
class Batch:
    """Consecutive records of one partition, and the promise of their outcomes."""

    topic: str
    partition: int
    records: Sequence[Record]
    sightings: Sightings
    """Which jobs of the partition have been seen; the handler enters those of this batch under ``ticket``."""
    ticket: int
    record_limit: int
    """Bytes that the broker accepts in one record."""
    answer: asyncio.Future[Outcomes] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def next_offset(self) -> int:
        """The offset to commit once the batch is settled."""
        return self.records[-1].offset + 1

    def settle(self, outcomes: Outcomes) -> None:
        """Hand the outcomes back; does nothing when the lane no longer waits."""
        if not self.answer.done():
            self.answer.set_result(outcomes)

    def fail(self, error: BaseException) -> None:
        """Tell the lane that there will be no outcomes; does nothing when it no longer waits."""
        if not self.answer.done():
            self.answer.set_exception(error)
