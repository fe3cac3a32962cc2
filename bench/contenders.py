"""Who is measured against whom: how each contender is run, what it promises, how it is tuned for which figure."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.peers.environments import peers_python, streams_command

Program = Callable[[], Sequence[str]]
"""Gives the command to run; raises ``Unavailable`` where it cannot be had."""

_NONE: Final = "not recognised"


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do the work.

    ``throughput`` and ``latency`` are what its environment holds for either figure: a peer may be tuned for each, this
    system is not. ``share`` is the part of the backlog that a slow one gets, ``most`` the highest rate that it is
    asked to keep up with.
    """

    name: str
    guarantee: str
    program: Program
    duplicates: str = _NONE
    throughput: Mapping[str, str] = field(default_factory=dict)
    latency: Mapping[str, str] = field(default_factory=dict)
    share: float = 1.0
    most: int = 1_000_000


def _here(*arguments: str) -> Program:
    return lambda: [sys.executable, *arguments]


def _theirs(*arguments: str) -> Program:
    return lambda: [peers_python(), *arguments]


_QUIX_OFTEN: Final = {"BENCH_COMMIT_SECONDS": "0.01", "BENCH_COMMIT_RECORDS": "0"}
_QUIX_SELDOM: Final = {"BENCH_COMMIT_SECONDS": "1.0", "BENCH_COMMIT_RECORDS": "20000"}
_STREAMS_OFTEN: Final = {"BENCH_COMMIT_MS": "10", "BENCH_POLL_MS": "5", "BENCH_THREADS": "1"}
_STREAMS_SELDOM: Final = {"BENCH_COMMIT_MS": "100", "BENCH_POLL_MS": "100", "BENCH_THREADS": "2"}
_WINDOW: Final = {"BENCH_WINDOW": "100000"}

THIS_SYSTEM: Final = Contender(
    "this system",
    "exactly once",
    _here("-m", "processor"),
    duplicates="in 100,000 a partition",
    throughput={"PROCESSOR_ENGINE": "constant"},
    latency={"PROCESSOR_ENGINE": "constant"},
)

CONTENDERS: Final = (
    THIS_SYSTEM,
    Contender("confluent-kafka loop", "exactly once", _here("-m", "bench.peers.confluent_loop")),
    Contender("aiokafka loop", "exactly once, one process", _here("-m", "bench.peers.aiokafka_loop")),
    Contender(
        "Kafka Streams, exactly_once_v2",
        "exactly once",
        streams_command,
        throughput=_STREAMS_SELDOM,
        latency=_STREAMS_OFTEN,
    ),
    Contender(
        "Kafka Streams with a window",
        "exactly once",
        streams_command,
        duplicates="in 100,000 a partition",
        throughput=_STREAMS_SELDOM | _WINDOW,
        latency=_STREAMS_OFTEN | _WINDOW,
    ),
    Contender(
        "Quix Streams",
        "exactly once",
        _theirs("-m", "bench.peers.quix_app"),
        throughput=_QUIX_SELDOM,
        latency=_QUIX_OFTEN,
        share=0.5,
    ),
    Contender("FastStream, batches", "at least once", _theirs("-m", "bench.peers.faststream_app"), share=0.5),
    Contender(
        "plain Faust",
        "at least once",
        _here("-m", "bench.peers.faust_agent", "worker", "-l", "error"),
        share=0.02,
        most=2_000,
    ),
)
