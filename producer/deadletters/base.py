"""What the gateway does with dead letters, as an interface: on a real Kafka, or on a fake one."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from producer.deadletters.fixing import Fix
from producer.deadletters.letter import Position


class DeadLetters(Protocol):
    """Looks at dead letters, replays and purges them; every method raises ``DeadLetterError``."""

    async def page(
        self, limit: int, ends: Mapping[int, int] | None, reason: str | None
    ) -> tuple[list[dict[str, Any]], dict[int, int] | None]:
        """Return one page, the newest first, and where the next one begins; None on the last one."""

    async def groups(self) -> dict[str, Any]:
        """Return all letters summed up."""

    async def one(self, position: Position) -> dict[str, Any]:
        """Return everything of one letter."""

    async def replay(self, positions: Sequence[Position], fix: Fix | None) -> list[dict[str, Any]]:
        """Publish letters again, each at most once; return what became of each."""

    async def purge(self, up_to: Sequence[Position]) -> list[dict[str, int]]:
        """Remove letters of whole partitions up to and including these; return where the partitions begin then."""
