"""Whether a worker is alive and whether it is ready, with the reasons when it is not."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from processor.lanes.lag import WatchedLane
from processor.lanes.lane import LaneState

_SILENCE_SECONDS: Final = 10.0
"""Kafka counts as away when it has not answered for this long."""
_STUCK_EXTRA: Final = 10.0
"""A stalled worker says so on /livez for this long before it leaves."""


class Membership(Protocol):
    """What health needs to know of the source."""

    @property
    def joined(self) -> bool:
        """Whether the worker is a member of its group."""
        ...

    @property
    def why(self) -> str:
        """Why it is not."""
        ...

    @property
    def lanes(self) -> Collection[WatchedLane]:
        """The lanes held now."""
        ...


class Lag(Protocol):
    """What health needs to know of the lag."""

    @property
    def answered(self) -> float | None:
        """When Kafka last answered, on the monotonic clock."""
        ...

    @property
    def stalled_seconds(self) -> float:
        """How long the partition that is worst off has stood still."""
        ...


@dataclass(frozen=True, slots=True)
class Health:
    """Answers the two questions of an orchestrator."""

    membership: Membership
    lag: Lag
    roll_ready: Callable[[], bool]
    stall_seconds: float
    now: Callable[[], float] = time.monotonic
    troubles: Callable[[], Mapping[str, str]] = dict
    """Counties whose announced model does not serve, and why."""

    def dead(self) -> list[str]:
        """Return why the worker should be replaced; nothing while it works, waits for Kafka, or has nothing to do."""
        stalled = self.lag.stalled_seconds
        return [f"no progress for {stalled:.0f} s though there is lag"] if stalled >= self.stall_seconds else []

    def must_exit(self) -> bool:
        """Tell whether the worker has been stuck for so long that it should leave."""
        return self.lag.stalled_seconds >= self.stall_seconds + _STUCK_EXTRA

    def degraded(self) -> list[str]:
        """Return what is not as it should be though requests are valued: models that cannot be had."""
        return [f"the announced model of {county_id} is {why}" for county_id, why in sorted(self.troubles().items())]

    def unready(self) -> list[str]:
        """Return why the worker cannot value requests now; nothing when it can."""
        reasons = []
        if not self.roll_ready():
            reasons.append("the property roll is being read")
        if not self.membership.joined:
            reasons.append(f"not in the group: {self.membership.why}")
        elif self.lag.answered is None or self.now() - self.lag.answered > _SILENCE_SECONDS:
            reasons.append("Kafka does not answer")
        reasons += [
            f"partition {lane.partition.partition} is {lane.state.value}" + (f": {lane.why}" if lane.why else "")
            for lane in self.membership.lanes
            if lane.state is not LaneState.RUNNING
        ]
        return reasons + self.dead()
