"""Sums the dead letters up: what was wrong with them, how often, since when, and how many have been replayed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from producer.deadletters.letter import DeadLetter, Position
from producer.deadletters.reading import Mark
from schemas.clock import rfc3339

_VARIES: Final = re.compile(r"\d+")
MAX_GROUPS: Final = 1_000


@dataclass(slots=True)
class _Group:
    reason: str
    message: str
    example: Position
    first_ms: int
    last_ms: int
    count: int = 0
    replayed: int = 0
    partitions: set[int] = field(default_factory=set)


class Summary:
    """Groups letters by reason and message; messages that differ in numbers only are one."""

    def __init__(self) -> None:
        self.total = 0
        self.replayed = 0
        self._groups: dict[tuple[str, str], _Group] = {}

    def add(self, letter: DeadLetter, known: Mapping[str, Mark]) -> None:
        """Count a letter."""
        message = _VARIES.sub("#", letter.message)
        key = (letter.reason, message if len(self._groups) < MAX_GROUPS else "…")
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(*key, letter.position, letter.timestamp_ms, letter.timestamp_ms)
        again = letter.mark in known
        self.total += 1
        self.replayed += again
        group.count += 1
        group.replayed += again
        group.first_ms, group.last_ms = (
            min(group.first_ms, letter.timestamp_ms),
            max(group.last_ms, letter.timestamp_ms),
        )
        group.partitions.add(letter.position.partition)

    def groups(self) -> list[dict[str, Any]]:
        """Return the groups as JSON has them, the largest first."""
        ordered = sorted(self._groups.values(), key=lambda group: (-group.count, group.reason, group.message))
        return [
            {
                "reason": group.reason,
                "message": group.message,
                "count": group.count,
                "replayed": group.replayed,
                "first_at": rfc3339(group.first_ms),
                "last_at": rfc3339(group.last_ms),
                "partitions": sorted(group.partitions),
                "example": str(group.example),
            }
            for group in ordered
        ]
