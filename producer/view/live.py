"""What the view hands out to those who listen: committed results one by one, each with an id to resume from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiveFilter:
    """Which results a listener wants; None means any."""

    county_id: str | None = None
    batch_id: str | None = None
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class LiveResult:
    """One committed result. ``data`` is the result event's JSON on one line; ``id`` resumes right after it."""

    id: str
    data: bytes
