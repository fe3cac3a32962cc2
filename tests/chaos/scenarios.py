"""Mixes of faults by name, and how many of each kind make a given number."""

from collections.abc import Mapping
from typing import Final

from tests.chaos.plan import KINDS

_WORKERS: Final[Mapping[str, float]] = {"worker-kill": 6, "worker-term": 4, "worker-pause": 4, "worker-freeze": 2}
_GATEWAY: Final[Mapping[str, float]] = {"gateway-kill": 2, "gateway-term": 1, "gateway-pause": 1}
_BROKERS: Final[Mapping[str, float]] = {"broker-kill": 2, "broker-term": 1, "broker-pause": 1}
_NETWORK: Final[Mapping[str, float]] = {
    "network-latency": 1,
    "network-slow": 1,
    "network-slices": 1,
    "network-black-hole": 2,
    "network-reset": 3,
    "network-cut": 3,
}

MIXES: Final[Mapping[str, Mapping[str, float]]] = {
    "none": {},
    "workers": _WORKERS,
    "gateway": _GATEWAY,
    "brokers": _BROKERS,
    "network": _NETWORK,
    "processes": {**_WORKERS, **_GATEWAY, **_BROKERS},
    "all": {**_WORKERS, **_GATEWAY, **_BROKERS, **_NETWORK},
}


def faults_of(mix: str, count: int) -> dict[str, int]:
    """Return how often each kind comes, each at least once and ``count`` or a few more in all.

    ``mix`` names a mix, or one kind of faults.

    Raises:
        KeyError: there is no such mix or kind.
    """
    weights = MIXES[mix] if mix in MIXES else {KINDS[mix].name: 1.0}
    total = sum(weights.values())
    return {name: max(1, -int(-count * weight // total)) for name, weight in weights.items()}
