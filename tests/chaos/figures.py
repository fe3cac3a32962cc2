"""The figures of a run, out of its history: what came of the requests, and the time to recover from each fault."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from tests.chaos.anomalies import Anomaly, group
from tests.chaos.books import Books
from tests.chaos.history import End, Ended, Fault, Operation, Outcome


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
class Figures:
    """What the report shows; ``own_exits`` counts processes that ended by themselves with an exit code."""

    requests: Requests
    broken: Broken
    seconds: float
    latency: Spread
    """From when a request was due until its result was received."""
    faults: Mapping[str, tuple[int, Spread]]
    """For each class how many there were, and the time to recover from one."""
    restarts: int
    own_exits: int


def figures(history: Sequence[Operation], anomalies: Iterable[Anomaly]) -> Figures:
    """Count and measure a finished run."""
    books = Books.of(history)
    waits = latencies(books)
    groups = Counter(group(each.kind) for each in anomalies)
    ends = [each for each in history if isinstance(each, Ended)]
    recovered = recoveries((each for each in history if isinstance(each, Fault)), waits)
    return Figures(
        requests=_requests(books),
        broken=Broken(groups["lost"], groups["doubled"], groups["wrong"], groups["unseen"]),
        seconds=(waits[-1][0] - waits[0][0]) / 1000 if waits else 0.0,
        latency=Spread.of((seen - due) / 1000 for due, seen in waits),
        faults={kind: (len(seconds), Spread.of(seconds)) for kind, seconds in sorted(recovered.items())},
        restarts=len(ends),
        own_exits=sum(each.exit_code > 0 for each in ends),
    )


def _requests(books: Books) -> Requests:
    return Requests(
        asked=len(books.asked),
        acknowledged=len(books.acknowledged),
        refused=sum(each.end is End.REFUSED for each in books.asked.values()),
        attempts_without_answer=sum(each.outcome is Outcome.AMBIGUOUS for each in books.sent),
        published_again=len(books.requests) - len(books.requests_of),
        results=len(books.results),
        dead_letters=len(books.dead_letters),
        polls=len(books.polled),
        scrapes=len(books.scrapes),
    )


def latencies(books: Books) -> list[tuple[int, int]]:
    """Return for each request with a result when it was due and when its result was first received, in order of due."""
    first: dict[str, int] = {}
    for seen in books.seen:
        first[seen.job_id] = min(seen.at_ms, first.get(seen.job_id, seen.at_ms))
    known = ((books.owner[job_id].due_ms, at) for job_id, at in first.items() if job_id in books.owner)
    return sorted(known)


def recoveries(faults: Iterable[Fault], waits: Sequence[tuple[int, int]]) -> Mapping[str, list[float]]:
    """Return for each class of faults the seconds each took to recover from.

    That is: from the fault's start until every request that was due before its end had its result. Faults overlap, so
    one that came while another was still felt shows the time of both.
    """
    dues = [due for due, _ in waits]
    latest: list[int] = []
    for _, seen in waits:
        latest.append(max(seen, latest[-1]) if latest else seen)
    found: defaultdict[str, list[float]] = defaultdict(list)
    for fault in faults:
        before = bisect_right(dues, fault.end_ms)
        answered = latest[before - 1] if before else fault.start_ms
        found[fault.kind].append(max(0, answered - fault.start_ms) / 1000)
    return found
