"""The figures of a run, out of its history: what came of the requests, and the time to recover from each fault."""

import signal
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from tests.chaos.anomalies import Anomaly, group
from tests.chaos.books import Books
from tests.chaos.history import End, Ended, Fault, Operation, Outcome
from tests.chaos.plan import KINDS, Part

_OBEYED: Final = (0, 128 + signal.SIGTERM)
"""Exit codes of processes that end because they are told to; the second is Java's."""

_HARMLESS: Final = frozenset(name for name, kind in KINDS.items() if kind.part is Part.DATA)

Waits = Sequence[tuple[int, int]]
"""Pairs of times, sorted by the first."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, 99th percentile and maximum, in seconds."""

    p50: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Self:
        """Return the spread of some durations, zeros where there are none."""
        ordered = sorted(seconds) or [0.0]
        return cls(ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], ordered[-1])


@dataclass(frozen=True, slots=True)
class Broken:
    """How many anomalies of each group there are."""

    lost: int
    doubled: int
    wrong: int
    unseen: int


@dataclass(frozen=True, slots=True)
class Requests:
    """What was asked, and what came of it."""

    asked: int
    acknowledged: int
    refused: int
    attempts_without_answer: int
    published_again: int
    results: int
    dead_letters: int
    polls: int
    scrapes: int


@dataclass(frozen=True, slots=True)
class FaultFigures:
    """One class of faults, times in seconds.

    ``recovery`` is from the end of the fault until every request acknowledged before its end had its result and a
    request made after its end had its too; ``slowest`` what the slowest request took that was due between the fault's
    start and that moment. ``alone`` counts those during which nothing else was broken, whose recovery is their own.
    ``unrecovered`` counts those whose recovery took too long to be waited for.
    """

    count: int
    unrecovered: int
    alone: int
    lasted: Spread
    recovery: Spread
    recovery_alone: Spread
    slowest: Spread


@dataclass(frozen=True, slots=True)
class Figures:
    """What the report shows; ``own_exits`` counts processes that ended by themselves with an exit code."""

    runs: int
    requests: Requests
    broken: Broken
    seconds: float
    latency: Spread
    """From when a request was due until its result was received."""
    faults: Mapping[str, FaultFigures]
    """For each class of faults, and for all of them under ``all``."""
    restarts: int
    own_exits: int


Run = tuple[Sequence[Operation], Sequence[Anomaly]]
"""A history, and what is wrong with it."""


def figures(runs: Sequence[Run]) -> Figures:
    """Count and measure finished runs, each a system of its own, as one."""
    books = [Books.of(history) for history, _ in runs]
    waits = [latencies(each) for each in books]
    groups = Counter(group(each.kind) for _, anomalies in runs for each in anomalies)
    ends = [each for history, _ in runs for each in history if isinstance(each, Ended)]
    felt = [_felt(history, each, own) for (history, _), each, own in zip(runs, books, waits, strict=True)]
    return Figures(
        runs=len(runs),
        requests=_requests(books),
        broken=Broken(groups["lost"], groups["doubled"], groups["wrong"], groups["unseen"]),
        seconds=sum((each[-1][0] - each[0][0]) / 1000 for each in waits if each),
        latency=Spread.of((seen - due) / 1000 for each in waits for due, seen in each),
        faults=_by_class([each for own in felt for each in own]),
        restarts=len(ends),
        own_exits=sum(each.exit_code not in _OBEYED and each.exit_code > 0 for each in ends),
    )


def _requests(runs: Sequence[Books]) -> Requests:
    return Requests(
        asked=sum(len(books.asked) for books in runs),
        acknowledged=sum(len(books.acknowledged) for books in runs),
        refused=sum(each.end is End.REFUSED for books in runs for each in books.asked.values()),
        attempts_without_answer=sum(each.outcome is Outcome.AMBIGUOUS for books in runs for each in books.sent),
        published_again=sum(len(books.requests) - len(books.requests_of) for books in runs),
        results=sum(len(books.results) for books in runs),
        dead_letters=sum(len(books.dead_letters) for books in runs),
        polls=sum(len(books.polled) for books in runs),
        scrapes=sum(len(books.scrapes) for books in runs),
    )


def latencies(books: Books) -> Waits:
    """Return for each request with a result when it was due and when its result was first received, in order of due."""
    return sorted(
        (books.owner[job_id].due_ms, at) for job_id, at in _first_seen(books).items() if job_id in books.owner
    )


def _first_seen(books: Books) -> Mapping[str, int]:
    first: dict[str, int] = {}
    for seen in books.seen:
        first[seen.job_id] = min(seen.at_ms, first.get(seen.job_id, seen.at_ms))
    return first


@dataclass(frozen=True, slots=True)
class Felt:
    """What one fault meant to those who asked, in seconds; ``recovery`` is None where it was not waited for."""

    kind: str
    lasted: float
    recovery: float | None
    slowest: float
    alone: bool = True


def _felt(history: Iterable[Operation], books: Books, waits: Waits) -> list[Felt]:
    acknowledged = _acknowledged(books)
    faults = [each for each in history if isinstance(each, Fault)]
    return [replace(felt(each, acknowledged, waits), alone=is_alone(each, faults)) for each in faults]


def is_alone(fault: Fault, faults: Iterable[Fault]) -> bool:
    """Return whether no other fault that breaks something was under way or felt while this one was."""
    return not any(
        other.start_ms <= (fault.recovered_ms or fault.end_ms)
        and (other.recovered_ms or other.end_ms) >= fault.start_ms
        for other in faults
        if other is not fault and other.kind not in _HARMLESS
    )


def _acknowledged(books: Books) -> Waits:
    """Return for each request with a result when it was first acknowledged and when its result was received."""
    seen = _first_seen(books)
    firsts = ((min(answers, key=lambda each: each.end_ms)) for answers in books.acknowledged.values())
    return sorted((each.end_ms, seen[name]) for each in firsts if (name := each.job_id or each.token) in seen)


def felt(fault: Fault, acknowledged: Waits, waits: Waits) -> Felt:
    """Measure one fault: ``acknowledged`` and ``waits`` are sorted pairs of (acknowledged or due, result received).

    What the run wrote down when it happened is not taken on trust: a result that came later counts.
    """
    if fault.recovered_ms is None:
        recovered = None
    else:
        before = acknowledged[: bisect_right(acknowledged, fault.end_ms, key=lambda wait: wait[0])]
        recovered = max([fault.recovered_ms, *(seen for _, seen in before if seen > fault.start_ms)])
    first = bisect_left(waits, fault.start_ms, key=lambda wait: wait[0])
    last = bisect_right(waits, recovered or fault.end_ms, key=lambda wait: wait[0])
    return Felt(
        fault.kind,
        (fault.end_ms - fault.start_ms) / 1000,
        None if recovered is None else (recovered - fault.end_ms) / 1000,
        max((seen - due for due, seen in waits[first:last]), default=0) / 1000,
    )


def _by_class(faults: Sequence[Felt]) -> Mapping[str, FaultFigures]:
    classes: defaultdict[str, list[Felt]] = defaultdict(list)
    for each in faults:
        classes[each.kind].append(each)
    ordered = {kind: classes[kind] for kind in sorted(classes)}
    return {kind: _of_class(members) for kind, members in {**ordered, "all": faults}.items()}


def _of_class(faults: Sequence[Felt]) -> FaultFigures:
    recoveries = [each.recovery for each in faults if each.recovery is not None]
    alone = [each.recovery for each in faults if each.recovery is not None and each.alone]
    return FaultFigures(
        count=len(faults),
        unrecovered=len(faults) - len(recoveries),
        alone=len(alone),
        lasted=Spread.of(each.lasted for each in faults),
        recovery=Spread.of(recoveries),
        recovery_alone=Spread.of(alone),
        slowest=Spread.of(each.slowest for each in faults),
    )
