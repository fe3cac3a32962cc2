"""Dead letters over HTTP, as pydantic models; ``producer.deadletters.showing`` makes what they describe."""

from typing import Annotated, Any

from pydantic import Field

from producer.models import Shown

Place = Annotated[str, Field(pattern=r"^[0-9]{1,9}:[0-9]{1,18}$", description="partition:offset on the topic")]
Places = Annotated[list[Place], Field(min_length=1, max_length=500)]


class Origin(Shown):
    """Where a letter was read first, as far as its headers say."""

    topic: str | None
    partition: int | None
    offset: int | None
    timestamp: str | None


class Became(Shown):
    """The job that a letter has become."""

    job_id: str
    at: str


class DeadLetterBrief(Shown):
    """A dead letter as lists show it."""

    position: Place
    partition: int
    offset: int
    timestamp: str
    reason: str
    message: str
    origin: Origin
    attempts: int | None
    size: int
    preview: str | None
    truncated: bool
    replayed: Became | None


class LetterHeader(Shown):
    """One header; ``value`` is null where it is not UTF-8."""

    name: str
    value: str | None
    value_base64: str | None


class DeadLetter(DeadLetterBrief):
    """A dead letter with its original key, bytes and headers; texts are null where they are not UTF-8."""

    key: str | None
    key_base64: str | None
    value: str | None
    value_base64: str | None
    headers: list[LetterHeader]


class DeadLetterPage(Shown):
    """One page of dead letters."""

    items: list[DeadLetterBrief]
    next: str | None = Field(description="cursor of the next page, null on the last one")


class LetterGroup(Shown):
    """Letters of one reason and message."""

    reason: str
    message: str
    count: int
    replayed: int
    first_at: str
    last_at: str
    partitions: list[int]
    example: Place


class DeadLetterGroups(Shown):
    """All dead letters, summed up."""

    total: int
    replayed: int
    groups: list[LetterGroup]


class ReplayOrder(Shown):
    """Which letters to publish again, and what to change in their bytes."""

    positions: Places
    fix: dict[str, Any] | None = Field(None, description="JSON merge patch (RFC 7396)")


class LetterReplay(Shown):
    """What became of one letter."""

    position: Place
    outcome: Annotated[str, Field(pattern="^(replayed|already|skipped)$")]
    job_id: str | None
    detail: str


class Replayed(Shown):
    """What became of each letter."""

    letters: list[LetterReplay]


class PurgeOrder(Shown):
    """The last letters to remove."""

    up_to: Places


class PurgedPartition(Shown):
    """Where a partition begins now."""

    partition: int
    begin: int


class Purged(Shown):
    """Where the partitions begin now."""

    partitions: list[PurgedPartition]
