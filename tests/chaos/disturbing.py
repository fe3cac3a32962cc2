"""What is published in the middle of everything: another model, changed property records, records twice, garbage."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from schemas.records import record_key
from schemas.topics import Topics
from tests.chaos.fleet import now_ms
from tests.chaos.history import Changed, Operation
from tests.chaos.models import Announcement
from tests.chaos.plan import Action, PlannedFault
from tests.chaos.recovering import ResultBody, Sign
from tests.chaos.sending import Sender
from tests.chaos.workload import COUNTY, Workload
from tests.waiting import holds

CHANGING: Final = tuple(f"CHANGING{number}" for number in range(1, 11))
"""Properties whose records change; nobody ever sold them, so no other value rests on them."""

_AT_ONCE: Final = 30
_PUT_SECONDS: Final = 60.0
_FIRST_AREA: Final = 1_000


@dataclass(slots=True)
class Data:
    """The topics as the target of what is published there."""

    sending: Sender
    topics: Topics
    models: Sequence[Announcement]
    requests: Workload
    likeness: Mapping[str, Any]
    """A property record that the changing ones are made of."""
    journal: list[Operation]
    name: str = "data"
    _changes: int = 0
    _swaps: int = 0
    _shown: dict[str, str] = field(default_factory=dict)

    async def ready(self) -> bool:
        """Return True: anything may be published at any time."""
        return True

    async def suffer(self, fault: PlannedFault) -> Sign:
        """Publish what the fault says; return when all of it is acknowledged."""
        if fault.kind.action is Action.SWAP:
            return await self._swap()
        if fault.kind.action is Action.UPDATE:
            return await self.update()
        if fault.kind.action is Action.AGAIN:
            orders = list(self.sending.published)[-_AT_ONCE:]
            await asyncio.gather(*map(self.sending.insist, orders))
        else:
            await asyncio.gather(*(self.sending.ask(self.requests.garbage(now_ms())) for _ in range(_AT_ONCE)))
        return Sign()

    async def found(self) -> None:
        """Publish the first record of every changing property, and the first model."""
        for _ in CHANGING:
            await self.update()
        await self._swap()

    async def _swap(self) -> Sign:
        model = self.models[self._swaps % len(self.models)]
        self._swaps += 1
        await self._put(self.topics.models.name, COUNTY.encode(), model.value)
        return Sign(shown=lambda result: bool(result["model_version"] == model.version))

    async def update(self) -> Sign:
        """Replace the record of the next changing property; a value for it must rest on other inputs than before."""
        property_id = CHANGING[self._changes % len(CHANGING)]
        self._changes += 1
        begun = now_ms()
        record = {
            **self.likeness,
            "property_id": property_id,
            "county_id": COUNTY,
            "living_area_sqft": _FIRST_AREA + self._changes,
        }
        await self._put(self.topics.property_records.name, record_key(COUNTY, property_id), orjson.dumps(record))
        self.journal.append(Changed(property_id, begun, now_ms()))
        before = self._shown.get(property_id)

        def shown(result: ResultBody) -> bool:
            self._shown[property_id] = result.get("inputs_hash", before)
            return self._shown[property_id] != before

        return Sign(property_id, shown)

    async def _put(self, topic: str, key: bytes, value: bytes) -> None:
        async def written() -> bool:
            return (await self.sending.kafka.publish(topic, key, value))[0] is None

        if not await holds(written, _PUT_SECONDS):
            raise TimeoutError(f"{topic} took no record for {_PUT_SECONDS:.0f} s")
