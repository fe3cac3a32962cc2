"""Which faults come in which order: drawn from a seed, the same every time, each kind as often as asked for.

They come in lanes, side by side: the faults of one lane come one after the other, each when the one before was
recovered from, and in rounds, in each of which every kind comes once. With few lanes most faults find a system at rest,
and the time to recover from them is their own; with more lanes they meet.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from typing import Final

from tests.chaos.proxy import Weather

SESSION_SECONDS: Final = 6.0
"""Session timeout that the workers of a run are given: the shortest that Kafka's brokers take by default."""
BROKER_SECONDS: Final = 3.0
"""A broker that is silent for this long is taken for dead, and others lead its partitions."""


class Part(StrEnum):
    """A part of the system that faults happen to."""

    WORKER = "worker"
    GATEWAY = "gateway"
    BROKER = "broker"
    NETWORK = "network"
    """The connections of all clients to one broker."""
    ROLLING = "rolling"
    """All workers, or all brokers, one after the other."""
    DISK = "disk"
    """The disk of the gateway's job store."""
    DATA = "data"
    """What is published: it breaks nothing, and comes beside a fault that does."""


_BROKERS: Final = 1
"""Which target of a rolling restart is the brokers, who may not lose two of them at a time."""
_CALM_SECONDS: Final[Mapping[str, tuple[float, float]]] = {
    "system": (0.2, 0.8),
    "workers": (0.5, 1.5),
    "brokers": (1.0, 3.0),
    "network": (0.3, 1.0),
    "gateway": (2.0, 5.0),
    "data": (4.0, 12.0),
}


class Action(StrEnum):
    """What is done to a part, where it is not the weather of a network."""

    KILL = "kill -9"
    TERM = "SIGTERM"
    PAUSE = "SIGSTOP"
    RESTART = "restart one by one"
    FILL = "fill"
    SWAP = "another model"
    UPDATE = "another property record"
    AGAIN = "publish what was published"
    GARBAGE = "publish what is no request"


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of faults; ``seconds`` bounds how long one lasts, where that is not up to its target."""

    name: str
    part: Part
    action: Action | Weather
    seconds: tuple[float, float] = (0.0, 0.0)


KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("worker-kill", Part.WORKER, Action.KILL),
        Kind("worker-term", Part.WORKER, Action.TERM),
        Kind("worker-pause", Part.WORKER, Action.PAUSE, (0.3, 0.4 * SESSION_SECONDS)),
        Kind("worker-freeze", Part.WORKER, Action.PAUSE, (SESSION_SECONDS + 1.0, SESSION_SECONDS + 2.5)),
        Kind("gateway-kill", Part.GATEWAY, Action.KILL),
        Kind("gateway-term", Part.GATEWAY, Action.TERM),
        Kind("gateway-pause", Part.GATEWAY, Action.PAUSE, (0.3, 2.0)),
        Kind("gateway-freeze", Part.GATEWAY, Action.PAUSE, (4.5, 6.0)),
        Kind("broker-kill", Part.BROKER, Action.KILL),
        Kind("broker-term", Part.BROKER, Action.TERM),
        Kind("broker-pause", Part.BROKER, Action.PAUSE, (0.3, 0.6 * BROKER_SECONDS)),
        Kind("broker-freeze", Part.BROKER, Action.PAUSE, (BROKER_SECONDS + 1.0, BROKER_SECONDS + 2.5)),
        Kind("network-latency", Part.NETWORK, Weather.LATENCY, (1.0, 2.0)),
        Kind("network-jitter", Part.NETWORK, Weather.JITTER, (1.0, 2.0)),
        Kind("network-slow", Part.NETWORK, Weather.SLOW, (1.0, 2.0)),
        Kind("network-slices", Part.NETWORK, Weather.SLICE, (0.5, 2.0)),
        Kind("network-black-hole", Part.NETWORK, Weather.BLACK_HOLE, (0.5, 3.0)),
        Kind("network-reset", Part.NETWORK, Weather.RESET, (0.0, 1.0)),
        Kind("network-cut", Part.NETWORK, Weather.CUT, (0.5, 2.0)),
        Kind("rolling-restart", Part.ROLLING, Action.RESTART),
        Kind("disk-full", Part.DISK, Action.FILL, (1.0, 3.0)),
        Kind("model-swap", Part.DATA, Action.SWAP),
        Kind("roll-update", Part.DATA, Action.UPDATE),
        Kind("duplicates", Part.DATA, Action.AGAIN),
        Kind("garbage", Part.DATA, Action.GARBAGE),
    )
}


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """One fault, on target number ``target`` of its part, after ``calm`` seconds of rest."""

    kind: Kind
    target: int
    seconds: float
    calm: float = 0.0


Lanes = Mapping[str, Sequence[PlannedFault]]
"""The faults of each lane, in their order."""


def plan(seed: int, counts: Mapping[str, int], targets: Mapping[Part, int], *, crowded: bool = False) -> Lanes:
    """Return the faults of a run; those of one part go round its targets, so that each gets its share.

    Kinds of a part that has no target here do not come. ``crowded`` has workers, brokers and network break at a time.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    turns = {part: cycle(range(count)) for part, count in targets.items() if count}
    lanes: defaultdict[str, list[PlannedFault]] = defaultdict(list)
    for number in range(max(counts.values(), default=0)):
        kinds = [KINDS[name] for name, times in counts.items() if times > number and KINDS[name].part in turns]
        rng.shuffle(kinds)
        for kind in kinds:
            target = next(turns[kind.part])
            lane = _lane_of(kind.part, target, crowded=crowded)
            lanes[lane].append(
                PlannedFault(kind, target, rng.uniform(*kind.seconds), rng.uniform(*_CALM_SECONDS[lane]))
            )
    return dict(lanes)


def _lane_of(part: Part, target: int, *, crowded: bool) -> str:
    match part:
        case Part.DATA:
            return "data"
        case Part.GATEWAY | Part.DISK:
            return "gateway"
        case _ if not crowded:
            return "system"
        case Part.NETWORK:
            return "network"
        case Part.ROLLING:
            return "brokers" if target == _BROKERS else "workers"
        case _:
            return "brokers" if part is Part.BROKER else "workers"
