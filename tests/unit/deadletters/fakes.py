"""Dead letters without a Kafka."""

from collections.abc import Mapping, Sequence
from typing import Any

from producer.deadletters.errors import NoSuchLetter
from producer.deadletters.fixing import Fix
from producer.deadletters.grouping import Summary
from producer.deadletters.letter import DeadLetter, Position
from producer.deadletters.showing import brief, whole


class FakeLetters:
    """Letters on partition 0, from offset 0 on, the replay of which is remembered."""

    def __init__(self, count: int = 3) -> None:
        headers = (("error.reason", b"invalid_request"), ("error.message", b"county_id is missing"))
        self.letters = [DeadLetter("t", Position(0, at), 1_000 * at, None, b"\xff", headers) for at in range(count)]
        self.replayed: dict[Position, Fix | None] = {}

    async def page(
        self, limit: int, ends: Mapping[int, int] | None, reason: str | None
    ) -> tuple[list[dict[str, Any]], dict[int, int] | None]:
        end = min((ends or {}).get(0, len(self.letters)), len(self.letters))
        found = [each for each in self.letters[:end] if reason in {None, each.reason}][::-1]
        after = {0: found[limit - 1].position.offset} if len(found) > limit else None
        return [brief(each, {}) for each in found[:limit]], after

    async def groups(self) -> dict[str, Any]:
        summary = Summary()
        for letter in self.letters:
            summary.add(letter, {})
        return {"total": summary.total, "replayed": summary.replayed, "groups": summary.groups()}

    async def one(self, position: Position) -> dict[str, Any]:
        return whole(self._at(position), {})

    async def replay(self, positions: Sequence[Position], fix: Fix | None) -> list[dict[str, Any]]:
        found = [self._at(position) for position in positions]
        done = [
            {
                "position": str(each.position),
                "outcome": "already" if each.position in self.replayed else "replayed",
                "job_id": each.replay_id,
                "detail": "",
            }
            for each in found
        ]
        self.replayed |= dict.fromkeys(positions, fix)
        return done

    async def purge(self, up_to: Sequence[Position]) -> list[dict[str, int]]:
        return [{"partition": 0, "begin": max(self._at(each).position.offset for each in up_to) + 1}]

    def _at(self, position: Position) -> DeadLetter:
        if position.partition or position.offset >= len(self.letters):
            raise NoSuchLetter(f"There is no dead letter at {position}.")
        return self.letters[position.offset]
