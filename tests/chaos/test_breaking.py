"""Faults are carried out as planned, written down, and none of them ends the run."""

import asyncio
import itertools
from dataclasses import dataclass, field

from tests.chaos.breaking import Breaking
from tests.chaos.fleet import now_ms
from tests.chaos.history import Fault, Operation
from tests.chaos.plan import KINDS, Part, PlannedFault
from tests.chaos.recovering import Sign

_KILL = PlannedFault(KINDS["worker-kill"], 0, 0.0)
_CUT = PlannedFault(KINDS["network-cut"], 1, 0.0)


@dataclass
class FakeTarget:
    """A target that notes what happens to it."""

    name: str
    sign: Sign = field(default_factory=Sign)
    immovable: bool = False
    suffered: list[str] = field(default_factory=list)

    async def ready(self) -> bool:
        return True

    async def suffer(self, fault: PlannedFault, /) -> Sign:
        self.suffered.append(fault.kind.name)
        if self.immovable:
            raise TimeoutError
        return self.sign


@dataclass
class FakeRecovery:
    """Recovers after a few milliseconds, or never."""

    never: bool = False
    signs: list[Sign] = field(default_factory=list)

    async def complete(self, sign: Sign) -> int | None:
        self.signs.append(sign)
        await asyncio.sleep(0.005)
        return None if self.never else now_ms()


def _breaking(recovery: FakeRecovery, **more: FakeTarget) -> tuple[Breaking, list[FakeTarget], list[Operation]]:
    targets = [more.get("first") or FakeTarget("first"), FakeTarget("second")]
    journal: list[Operation] = []
    return (
        Breaking({Part.WORKER: targets, Part.NETWORK: targets}, recovery, journal, lambda _fault: None),
        targets,
        journal,
    )


async def test_every_fault_happens_to_its_target_and_is_written_down_with_its_recovery() -> None:
    sign = Sign("P9")
    breaking, targets, journal = _breaking(recovery := FakeRecovery(), first=FakeTarget("first", sign))
    await breaking.carry_out({"system": [_KILL, _CUT, _KILL]}, 60)
    assert [target.suffered for target in targets] == [["worker-kill", "worker-kill"], ["network-cut"]]
    faults = [each for each in journal if isinstance(each, Fault)]
    assert [(each.kind, each.target) for each in faults] == [
        ("worker-kill", "first"),
        ("network-cut", "second"),
        ("worker-kill", "first"),
    ]
    assert all(each.recovered_ms is not None and each.recovered_ms >= each.end_ms for each in faults)
    assert recovery.signs[0] is sign


async def test_a_lane_waits_for_the_recovery_before_it_goes_on() -> None:
    breaking, _, journal = _breaking(FakeRecovery())
    await breaking.carry_out({"system": [_KILL] * 4}, 60)
    faults = [each for each in journal if isinstance(each, Fault)]
    for before, after in itertools.pairwise(faults):
        assert before.recovered_ms is not None
        assert before.recovered_ms <= after.start_ms


async def test_lanes_go_side_by_side() -> None:
    breaking, _, journal = _breaking(FakeRecovery())
    await breaking.carry_out({"workers": [_KILL] * 3, "network": [_CUT] * 3}, 60)
    first, second, *_ = [each for each in journal if isinstance(each, Fault)]
    assert first.recovered_ms is not None
    assert second.start_ms <= first.recovered_ms


async def test_what_cannot_be_broken_or_does_not_recover_is_written_down_and_the_plan_goes_on() -> None:
    for recovery, first in ((FakeRecovery(), FakeTarget("first", immovable=True)), (FakeRecovery(never=True), None)):
        breaking, targets, journal = _breaking(recovery, **({} if first is None else {"first": first}))
        await breaking.carry_out({"system": [_KILL, _CUT]}, 60)
        assert targets[1].suffered == ["network-cut"]
        assert next(each.recovered_ms for each in journal if isinstance(each, Fault)) is None


async def test_when_the_time_is_over_no_more_faults_come() -> None:
    breaking, targets, journal = _breaking(FakeRecovery())
    await breaking.carry_out({"system": [_KILL]}, 0)
    assert (journal, targets[0].suffered) == ([], [])
