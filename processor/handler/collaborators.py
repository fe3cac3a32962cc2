"""What the handler works with: the roll, the engines, the clock, and how its events are signed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from processor.valuation.frame import Engine, Frame, Ints
from schemas.cloudevents import HeaderStamp
from schemas.events import COMPLETED, FAILED

SOURCE = "/terrafusion/processor"


class CountyRolls(Protocol):
    """One county's properties."""

    def lookup(self, property_ids: Sequence[str]) -> tuple[Ints, Frame]:
        """Return each property's row, -1 where unknown, and the characteristics (all unknown where unknown)."""
        ...


class Roll(Protocol):
    """The property roll of all counties."""

    def county(self, county_id: str) -> CountyRolls | None:
        """Return a county's roll, None for a county of which nothing is known."""
        ...


class Engines(Protocol):
    """The engines in service."""

    def engine(self, county_id: str) -> Engine | None:
        """Return the engine that serves a county now, None where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Everything that the handler needs beside the records."""

    roll: Roll
    engines: Engines
    now_ms: Callable[[], int]
    """Wall clock, milliseconds since 1970-01-01."""
    elapsed: Callable[[], float]
    """Monotonic clock, seconds."""
    app_version: str
    completed: HeaderStamp = field(default=HeaderStamp(source=SOURCE, event_type=COMPLETED))
    failed: HeaderStamp = field(default=HeaderStamp(source=SOURCE, event_type=FAILED))
