"""What the gateway may ask of its copy of the property roll."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PropertyPage:
    """One page of properties in the order of their ids: JSON records, and the id to go on after."""

    items: Sequence[bytes]
    next: str | None


@dataclass(frozen=True, slots=True)
class CountySize:
    """A county and how many properties its roll holds."""

    county_id: str
    properties: int


@dataclass(frozen=True, slots=True)
class Condition:
    """What a property's characteristic must be: one of some values, or a number within bounds (inclusive)."""

    name: str
    values: Sequence[str | float] | None = None
    low: float | None = None
    high: float | None = None

    def met_by(self, record: Mapping[str, object]) -> bool:
        """Return whether a property record meets the condition; what is unknown meets none."""
        value = record.get(self.name)
        if value is None and isinstance(features := record.get("features"), Mapping):
            value = features.get(self.name)
        if self.values is not None:
            return value in self.values
        if not isinstance(value, int | float):
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


class Properties(Protocol):
    """Property records as the topic holds them, a few milliseconds behind its end."""

    @property
    def ready(self) -> bool:
        """Whether the copy has caught up once since it started and is following now."""

    async def start(self) -> None:
        """Open the copy and begin to follow; returns without waiting for Kafka, which is retried for ever."""

    async def stop(self) -> None:
        """Write what is in hand and let go of Kafka and the file."""

    async def catch_up(self, timeout_s: float) -> bool:
        """Wait until the copy holds every record that was on the topic when this was called; False when time is up."""

    async def find(self, county_id: str, property_id: str) -> bytes | None:
        """Return one property record as JSON, None where the copy holds none."""

    async def search(self, county_id: str, text: str, *, after: str | None, limit: int) -> PropertyPage:
        """List a county's properties whose id begins with ``text`` or whose address holds it, after an id."""

    async def ids(self, county_id: str, conditions: Sequence[Condition]) -> Sequence[str]:
        """Return the ids of a county's properties that meet every condition, in order."""

    async def counties(self) -> Sequence[CountySize]:
        """Return the counties that hold properties, in the order of their ids."""

    async def models(self) -> Mapping[str, bytes]:
        """Return the record of the model that serves each county, as JSON."""
