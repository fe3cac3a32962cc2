"""Which faults come when: drawn from a seed, the same every time, each kind as often as asked for."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from typing import Final

from tests.chaos.proxy import Weather

SESSION_SECONDS: Final = 6.0
"""Session timeout that the workers of a run are given: the shortest that Kafka's brokers take by default."""


class Part(StrEnum):
    """A part of the system that faults happen to."""

    WORKER = "worker"
    GATEWAY = "gateway"
    BROKER = "broker"
    NETWORK = "network"
    """The connections of all clients to one broker."""


class Action(StrEnum):
    """What is done to a process."""

    KILL = "kill -9"
    TERM = "SIGTERM"
    PAUSE = "SIGSTOP"


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of faults; ``seconds`` bounds how long one lasts, where that is not up to the process."""

    name: str
    part: Part
    action: Action | Weather
    seconds: tuple[float, float] = (0.0, 0.0)


KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("worker-kill", Part.WORKER, Action.KILL),
        Kind("worker-term", Part.WORKER, Action.TERM),
        Kind("worker-pause", Part.WORKER, Action.PAUSE, (0.3, 0.5 * SESSION_SECONDS)),
        Kind("worker-freeze", Part.WORKER, Action.PAUSE, (SESSION_SECONDS + 1.5, SESSION_SECONDS + 4.0)),
        Kind("gateway-kill", Part.GATEWAY, Action.KILL),
        Kind("gateway-term", Part.GATEWAY, Action.TERM),
        Kind("gateway-pause", Part.GATEWAY, Action.PAUSE, (0.3, 3.0)),
        Kind("broker-kill", Part.BROKER, Action.KILL),
        Kind("broker-term", Part.BROKER, Action.TERM),
        Kind("broker-pause", Part.BROKER, Action.PAUSE, (0.3, 3.0)),
        Kind("network-latency", Part.NETWORK, Weather.LATENCY, (1.0, 4.0)),
        Kind("network-slow", Part.NETWORK, Weather.SLOW, (1.0, 3.0)),
        Kind("network-slices", Part.NETWORK, Weather.SLICE, (0.5, 2.0)),
        Kind("network-black-hole", Part.NETWORK, Weather.BLACK_HOLE, (0.5, 4.0)),
        Kind("network-reset", Part.NETWORK, Weather.RESET, (0.0, 1.0)),
        Kind("network-cut", Part.NETWORK, Weather.CUT, (0.5, 2.0)),
    )
}


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """One fault: not before ``at`` seconds from the start, on target number ``target`` of its part."""

    at: float
    kind: Kind
    target: int
    seconds: float


def plan(seed: int, seconds: float, counts: Mapping[str, int], targets: Mapping[Part, int]) -> Sequence[PlannedFault]:
    """Return the faults of a run in the order of their time.

    Faults of one part go round its targets, so that each is hit about as often; on one target they are spread evenly
    with some jitter. What is planned for one target is meant to be done one after the other, late if need be.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    lanes: dict[tuple[Part, int], list[Kind]] = {}
    for part, count in targets.items():
        kinds = [KINDS[name] for name, times in counts.items() for _ in range(times) if KINDS[name].part is part]
        rng.shuffle(kinds)
        for kind, target in zip(kinds, cycle(range(count)), strict=False):
            lanes.setdefault((part, target), []).append(kind)
    faults = [
        PlannedFault(seconds * (index + rng.random()) / len(kinds), kind, target, rng.uniform(*kind.seconds))
        for (_, target), kinds in lanes.items()
        for index, kind in enumerate(kinds)
    ]
    return sorted(faults, key=lambda fault: fault.at)
