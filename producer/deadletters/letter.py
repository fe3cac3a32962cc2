"""A dead letter: a record that was no request, as it came, and what its headers say of why and whence."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID, uuid5

from schemas.cloudevents import header

_POSITION: Final = re.compile(r"(\d{1,9}):(\d{1,18})", re.ASCII)
_REPLAYS: Final = UUID("5b0a0f38-5d53-5d53-9d2a-7c7a4f5b8a11")
"""Namespace of the jobs that dead letters become."""
UNKNOWN: Final = "unknown"

Headers = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a letter lies on the dead letters topic; written ``partition:offset``."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the position that a text names.

        Raises:
            ValueError: it names none.
        """
        found = _POSITION.fullmatch(text)
        if found is None:
            raise ValueError("a position is written partition:offset, such as 3:17")
        return cls(int(found[1]), int(found[2]))


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record of the dead letters topic."""

    topic: str
    position: Position
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def reason(self) -> str:
        """Why it is a dead letter, from the closed set of failure reasons."""
        return self.said("error.reason") or UNKNOWN

    @property
    def message(self) -> str:
        """What was wrong with it, in words."""
        return self.said("error.message") or ""

    @property
    def cut(self) -> bool:
        """Whether it had to be cut to fit, so that its original bytes are lost."""
        return header(self.headers, "error.truncated_bytes") is not None

    @property
    def mark(self) -> str:
        """What tells it from every other letter, also from one at the same place of a topic that was made anew."""
        return f"{self.position}:{self.timestamp_ms}"

    @property
    def replay_id(self) -> str:
        """The job that it becomes when it is published again; the same however often that is tried."""
        return str(uuid5(_REPLAYS, f"{self.topic}/{self.mark}"))

    def said(self, name: str) -> str | None:
        """Return a header as text, None where it is absent."""
        found = header(self.headers, name)
        return None if found is None else found.decode("utf-8", "replace")
