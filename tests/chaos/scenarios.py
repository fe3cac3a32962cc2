"""What a run is; mixes of faults by name, and how many of each kind make a given number."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.plan import KINDS, Part

MIXES: Final[Mapping[str, frozenset[Part]]] = {
    "none": frozenset(),
    "workers": frozenset({Part.WORKER}),
    "gateway": frozenset({Part.GATEWAY, Part.DISK}),
    "brokers": frozenset({Part.BROKER}),
    "network": frozenset({Part.NETWORK}),
    "rolling": frozenset({Part.ROLLING}),
    "data": frozenset({Part.DATA}),
    "all": frozenset(Part),
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """How much is asked at least, how fast, by which way, and which faults come how often.

    A run lasts until its faults are over, and makes requests until then.
    """

    requests: int
    per_second: float
    faults: Mapping[str, int]
    seed: int
    workers: int = 3
    brokers: int = 1
    http_share: float = 0.2
    burst: int = 0
    """How many requests come at once, every minute, beside the others."""
    crowded: bool = False
    """Whether faults of workers and of brokers come at the same time."""
    rest_seconds: float = 0.0
    """Rest before each fault, beside the moment that the plan gives."""
    longest_seconds: float = 86_400.0
    """After this long no more faults come, however many there were."""
    quiet_seconds: float = 60.0
    """How long without any new result until a run that waits for results is given up."""
    worker_settings: Mapping[str, str] = field(default_factory=dict)


def faults_of(mix: str, count: int) -> dict[str, int]:
    """Return how often each kind comes: all as often, each at least once, ``count`` or a few more in all.

    ``mix`` names a mix, or one kind of faults.

    Raises:
        KeyError: there is no such mix or kind.
    """
    names = [name for name, kind in KINDS.items() if kind.part in MIXES[mix]] if mix in MIXES else [KINDS[mix].name]
    return {name: max(1, -(-count // len(names))) for name in names}
