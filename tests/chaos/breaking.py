"""Carries out a plan of faults and writes each down: from when until when it lasted, and when it was recovered from."""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tests.chaos.fleet import Member, now_ms
from tests.chaos.history import Fault, Operation
from tests.chaos.plan import Action, Lanes, Part, PlannedFault
from tests.chaos.proxy import Proxy, Weather
from tests.chaos.recovering import Sign
from tests.waiting import holds

_READY_SECONDS: Final = 90.0
_GRACE_SECONDS: Final = 30.0
_SIGNALS: Final = {Action.KILL: signal.SIGKILL, Action.TERM: signal.SIGTERM}
_ANY_VALUE: Final = Sign()


class Target(Protocol):
    """What faults happen to."""

    @property
    def name(self) -> str:
        """How the history calls it."""
        ...

    async def ready(self) -> bool:
        """Return whether it is itself: a fault that finds it broken already shows little."""
        ...

    async def suffer(self, fault: PlannedFault, /) -> Sign:
        """Undergo a fault; return when it is over, with what a request must show then."""
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

    async def suffer(self, fault: PlannedFault) -> Sign:
        """Pause for a while, or end."""
        if fault.kind.action is Action.PAUSE:
            self.member.service.signal(signal.SIGSTOP)
            await asyncio.sleep(fault.seconds)
            self.member.service.signal(signal.SIGCONT)
        else:
            await self.end(_SIGNALS[Action(fault.kind.action)])
        return _ANY_VALUE

    async def end(self, number: signal.Signals) -> None:
        """Return when the process has ended from a signal.

        Raises:
            TimeoutError: it has not ended in time.
        """
        service = self.member.service
        pid = service.pid
        service.signal(number)

        async def gone() -> bool:
            return service.pid != pid or service.exit_code() is not None

        if not await holds(gone, _GRACE_SECONDS):
            raise TimeoutError(f"{self.name} did not end within {_GRACE_SECONDS:.0f} s")


@dataclass(frozen=True, slots=True)
class Rolling:
    """Several processes that are restarted one after the other, each when the one before does its work again."""

    name: str
    processes: Sequence[Process]

    async def ready(self) -> bool:
        """Return whether all of them do their work."""
        return all([await process.ready() for process in self.processes])

    async def suffer(self, _fault: PlannedFault, /) -> Sign:
        """Restart each in good order.

        Raises:
            TimeoutError: one has not come back in time.
        """
        for process in self.processes:
            await process.end(signal.SIGTERM)
            if not await holds(process.ready, _READY_SECONDS):
                raise TimeoutError(f"{process.name} did not come back within {_READY_SECONDS:.0f} s")
        return _ANY_VALUE


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

    async def suffer(self, fault: PlannedFault) -> Sign:
        """Have bad weather for a while, or until it has cleared up by itself."""
        self.proxy.weather = Weather(fault.kind.action)
        await holds(self.ready, fault.seconds)
        self.proxy.weather = Weather.CLEAR
        return _ANY_VALUE


class Recovering(Protocol):
    """Tells when the system is itself again."""

    async def complete(self, sign: Sign) -> int | None:
        """Return when it has recovered from a fault that ends now, None when that takes too long."""
        ...


Heard = Callable[[Fault], object]
"""Told each fault once it was recovered from."""


@dataclass(frozen=True, slots=True)
class Breaking:
    """Carries out a plan, its lanes side by side.

    A fault waits until its target is ready, but not for ever: one that does not get ready is hit all the same.
    """

    targets: Mapping[Part, Sequence[Target]]
    recovery: Recovering
    journal: list[Operation]
    heard: Heard
    rest: float = 0.0
    """Seconds before each fault, beside those of the plan."""

    async def carry_out(self, lanes: Lanes, seconds: float) -> None:
        """Do all faults, those left out for which there is no time, and return when they are recovered from."""
        end = time.monotonic() + seconds
        await asyncio.gather(*(self._lane(faults, end) for faults in lanes.values()))

    async def _lane(self, faults: Sequence[PlannedFault], end: float) -> None:
        for fault in faults:
            await asyncio.sleep(min(self.rest + fault.calm, max(0.0, end - time.monotonic())))
            if time.monotonic() < end:
                await self._do(fault)

    async def _do(self, fault: PlannedFault) -> None:
        target = self.targets[fault.kind.part][fault.target]
        await holds(target.ready, _READY_SECONDS)
        begun = now_ms()
        try:
            sign = await target.suffer(fault)
        except TimeoutError:  # the rest of the plan goes on; the report tells
            done = Fault(fault.kind.name, target.name, begun, now_ms())
        else:
            ended = now_ms()
            done = Fault(fault.kind.name, target.name, begun, ended, await self.recovery.complete(sign))
        self.journal.append(done)
        self.heard(done)
