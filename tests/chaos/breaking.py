"""Carries out a plan of faults on a fleet and writes each down, from its beginning until its process ran again."""

import asyncio
import signal
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from tests.chaos.fleet import Fleet, Member, now_ms
from tests.chaos.history import Fault, Operation
from tests.chaos.plan import Action, Part, PlannedFault
from tests.waiting import holds

_READY_SECONDS: Final = 20.0
_GRACE_SECONDS: Final = 15.0


async def carry_out(faults: Sequence[PlannedFault], fleet: Fleet, journal: list[Operation]) -> None:
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
            group.create_task(_lane(lane, fleet.of(part)[target], start, journal))


async def _lane(faults: Sequence[PlannedFault], member: Member, start: float, journal: list[Operation]) -> None:
    for fault in faults:
        await asyncio.sleep(max(0.0, start + fault.at - time.monotonic()))
        await _until_ready(member)
        begun = now_ms()
        await _DO[fault.kind.action](member, fault.seconds)
        journal.append(Fault(fault.kind.name, member.name, begun, now_ms()))


async def _until_ready(member: Member) -> None:
    async def runs_and_serves() -> bool:
        return member.service.exit_code() is None and await member.ready()

    await holds(runs_and_serves, _READY_SECONDS)


async def _kill(member: Member, _seconds: float) -> None:
    pid = member.service.pid
    member.service.signal(signal.SIGKILL)
    await _restarted(member, pid)


async def _term(member: Member, _seconds: float) -> None:
    pid = member.service.pid
    member.service.signal(signal.SIGTERM)
    await _restarted(member, pid)


async def _pause(member: Member, seconds: float) -> None:
    member.service.signal(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    member.service.signal(signal.SIGCONT)


async def _restarted(member: Member, pid: int) -> None:
    """Return when the supervisor has started the process anew.

    Raises:
        TimeoutError: the process has not ended in time, or was not started again.
    """

    async def is_another() -> bool:
        return member.service.pid != pid

    if not await holds(is_another, _GRACE_SECONDS):
        raise TimeoutError(f"{member.name} did not end and start again within {_GRACE_SECONDS:.0f} s")


_DO: Final = {Action.KILL: _kill, Action.TERM: _term, Action.PAUSE: _pause}
