"""The history of one run: what was asked of the system, what was done to it, what it showed; one JSON object a line.

Times are milliseconds since 1970-01-01 on one clock. The checker reads nothing but this, so a history that was kept
can be judged again by a later checker.
"""

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import orjson
from pydantic import TypeAdapter


class Via(StrEnum):
    """The way a request took into the system."""

    KAFKA = "kafka"
    HTTP = "http"


class Outcome(StrEnum):
    """What the sender was told."""

    ACKNOWLEDGED = "acknowledged"
    AMBIGUOUS = "ambiguous"
    """No answer, or a 503: it may or may not have been written."""
    REFUSED = "refused"
    """A 4xx: nothing may have been written."""


class End(StrEnum):
    """How a request must end."""

    COMPLETED = "completed"
    SIMULATED = "simulated_processing_error"
    NOT_FOUND = "property_not_found"
    POISON = "dead letter"
    """No request at all and no job id to be read: a dead letter alone."""
    INVALID = "dead letter and invalid_request"
    """No valid request, but a job id can be read: a dead letter and a failed result."""
    REFUSED = "refused by the gateway"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as its sender meant it, before the first attempt; ``token`` is the sender's own name for it.

    ``county_id`` is the normal form that the result must show, ``due_ms`` when it was to be sent.
    """

    token: str
    via: Via
    end: End
    property_id: str
    county_id: str
    hint: str | None
    valuation_date: str
    due_ms: int


@dataclass(frozen=True, slots=True)
class Sent:
    """One attempt to hand a request over, and what the sender was told; the position is Kafka's acknowledgement."""

    token: str
    start_ms: int
    end_ms: int
    outcome: Outcome
    job_id: str | None = None
    partition: int | None = None
    offset: int | None = None
    status: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing done to the system, from when until when.

    ``recovered_ms`` is when every request acknowledged before its end had its result and a request made after its end
    had its too; None where that did not come.
    """

    kind: str
    target: str
    start_ms: int
    end_ms: int
    recovered_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """A property's record was replaced on the roll."""

    property_id: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A process of the system ended, whether a fault ended it or it ended itself; it was started again."""

    process: str
    exit_code: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Request:
    """A record of the requests topic as it stands there at the end; ``token`` is the job id or else the key."""

    partition: int
    offset: int
    token: str
    digest: str


@dataclass(frozen=True, slots=True)
class Result:
    """A record of the results topic as a read_committed reader finds it at the end."""

    partition: int
    offset: int
    key: str
    job_id: str
    property_id: str
    county_id: str
    status: str
    failure_reason: str | None
    hint: str | None
    valuation_date: str | None
    model_version: str | None
    digest: str | None
    """Of the ``result`` object, None where that is null."""
    inputs: str | None = None
    """Its ``inputs_hash``."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record of the dead letters topic at the end: whence it came, and the digest of its original key and bytes."""

    partition: int
    offset: int
    from_partition: int
    from_offset: int
    reason: str
    digest: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A result that a read_committed reader received while the run went on."""

    job_id: str
    partition: int
    offset: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Polled:
    """An answer of the gateway about one job while the run went on; ``job_status`` is None unless it is a 200.

    Asked at ``at_ms``, answered at ``answered_ms``, which a history of earlier date may lack: then it was at once.
    """

    job_id: str
    at_ms: int
    status: int
    job_status: str | None
    answered_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Viewed:
    """A job as the gateway's view lists it at the end."""

    job_id: str
    property_id: str
    county_id: str
    status: str
    failure_reason: str | None


@dataclass(frozen=True, slots=True)
class Scrape:
    """The totals of one worker's counters in one scrape."""

    process: str
    at_ms: int
    submitted: int
    completed: int
    failed: int
    observed: int


Operation = Asked | Sent | Fault | Changed | Ended | Request | Result | DeadLetter | Seen | Polled | Viewed | Scrape

_READERS: Final[dict[str, TypeAdapter[Operation]]] = {
    kind.__name__: TypeAdapter(kind)
    for kind in (Asked, Sent, Fault, Changed, Ended, Request, Result, DeadLetter, Seen, Polled, Viewed, Scrape)
}


def encode(operation: Operation) -> bytes:
    """Return one line, without the line's end."""
    return b'{"op":"%s",%s' % (type(operation).__name__.encode(), orjson.dumps(operation)[1:])


def decode(line: bytes) -> Operation:
    """Read what ``encode`` wrote."""
    fields = orjson.loads(line)
    return _READERS[fields.pop("op")].validate_python(fields)


def write(path: Path, operations: Iterable[Operation]) -> None:
    """Write a history, compressed with gzip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wb", compresslevel=3) as file:
        file.writelines(encode(operation) + b"\n" for operation in operations)


def read(path: Path) -> Iterator[Operation]:
    """Read a history that ``write`` wrote."""
    with gzip.open(path, "rb") as file:
        yield from map(decode, file)
