"""Carries out a plan of faults and writes each down, from its beginning until its target was itself again."""

import asyncio
import signal
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tests.chaos.fleet import Member, now_ms
from tests.chaos.history import Fault, Operation
from tests.chaos.plan import Action, Part, PlannedFault
from tests.chaos.proxy import Proxy, Weather
from tests.waiting import holds

_READY_SECONDS: Final = 20.0
_GRACE_SECONDS: Final = 30.0
_SIGNALS: Final = {Action.KILL: signal.SIGKILL, Action.TERM: signal.SIGTERM}


class Target(Protocol):
    """What faults happen to."""

    @property
    def name(self) -> str:
        """How the history calls it."""
        ...

    async def ready(self) -> bool:
        """Return whether it is itself: a fault that finds it broken already shows little."""
        ...

    async def suffer(self, fault: PlannedFault) -> None:
        """Undergo a fault; return when it is over."""
        ...


@dataclass(frozen=True, slots=True)
class Process:
    """A process as the target of signals; killed or ended, its supervisor starts it again."""

    member: Member

    @property
    def name(self) -> str:
        """The name of the process."""
        return self.member.name

    async def ready(self) -> bool:
        """Return whether it runs and does its work."""
        return self.member.service.exit_code() is None and await self.member.ready()

    async def suffer(self, fault: PlannedFault) -> None:
        """Pause for a while, or end and be started again.

        Raises:
            TimeoutError: it has not ended in time, or was not started again.
        """
        service = self.member.service
        if fault.kind.action is Action.PAUSE:
            service.signal(signal.SIGSTOP)
            await asyncio.sleep(fault.seconds)
            service.signal(signal.SIGCONT)
            return
        pid = service.pid
        service.signal(_SIGNALS[Action(fault.kind.action)])

        async def is_another() -> bool:
            return service.pid != pid

        if not await holds(is_another, _GRACE_SECONDS):
            raise TimeoutError(f"{self.name} did not end and start again within {_GRACE_SECONDS:.0f} s")


@dataclass(frozen=True, slots=True)
class Network:
    """The connections to one broker as the target of bad weather."""

    proxy: Proxy

    @property
    def name(self) -> str:
        """The name of the proxy."""
        return self.proxy.name

    async def ready(self) -> bool:
        """Return whether the weather is clear."""
        return self.proxy.weather is Weather.CLEAR

    async def suffer(self, fault: PlannedFault) -> None:
        """Have bad weather for a while."""
        self.proxy.weather = Weather(fault.kind.action)
        await asyncio.sleep(fault.seconds)
        self.proxy.weather = Weather.CLEAR


async def carry_out(
    faults: Sequence[PlannedFault], targets: Mapping[Part, Sequence[Target]], journal: list[Operation]
) -> None:
    """Do all faults; those of different targets overlap, those of one target come one after the other.

    A fault waits until its target is ready again after the one before, but not for ever: a target that cannot get ready
    because of faults elsewhere is hit all the same.
    """
    lanes: defaultdict[tuple[Part, int], list[PlannedFault]] = defaultdict(list)
    for fault in faults:
        lanes[fault.kind.part, fault.target].append(fault)
    start = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for (part, target), lane in lanes.items():
            group.create_task(_lane(lane, targets[part][target], start, journal))


async def _lane(faults: Sequence[PlannedFault], target: Target, start: float, journal: list[Operation]) -> None:
    for fault in faults:
        await asyncio.sleep(max(0.0, start + fault.at - time.monotonic()))
        await holds(target.ready, _READY_SECONDS)
        begun = now_ms()
        await target.suffer(fault)
        journal.append(Fault(fault.kind.name, target.name, begun, now_ms()))
