"""A history sorted for judging: every kind of operation by itself, and whose job is whose."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

from tests.chaos.history import (
    Asked,
    Changed,
    DeadLetter,
    Operation,
    Outcome,
    Polled,
    Request,
    Result,
    Scrape,
    Seen,
    Sent,
    Viewed,
)

T = TypeVar("T")
Position = tuple[int, int]
"""Partition and offset."""


@dataclass(frozen=True, slots=True)
class Books:
    """One run; ``owner`` gives the request behind a job id, or behind the key of a record that has none."""

    asked: Mapping[str, Asked]
    sent: tuple[Sent, ...]
    requests: tuple[Request, ...]
    results: tuple[Result, ...]
    dead_letters: tuple[DeadLetter, ...]
    seen: tuple[Seen, ...]
    polled: tuple[Polled, ...]
    viewed: tuple[Viewed, ...]
    scrapes: tuple[Scrape, ...]
    owner: Mapping[str, Asked]
    results_of: Mapping[str, tuple[Result, ...]]
    requests_of: Mapping[str, tuple[Request, ...]]
    acknowledged: Mapping[str, tuple[Sent, ...]]
    records: Mapping[str, int]
    """How many records each property has had, of those whose record was replaced."""

    @classmethod
    def of(cls, history: Iterable[Operation]) -> Self:
        """Sort a history."""
        kinds: defaultdict[type, list[Operation]] = defaultdict(list)
        for operation in history:
            kinds[type(operation)].append(operation)

        def all_of(kind: type[T]) -> tuple[T, ...]:
            return tuple(each for each in kinds[kind] if isinstance(each, kind))

        asked = {each.token: each for each in all_of(Asked)}
        sent, requests, results = all_of(Sent), all_of(Request), all_of(Result)
        learned = {each.job_id: asked[each.token] for each in sent if each.job_id is not None and each.token in asked}
        return cls(
            asked=asked,
            sent=sent,
            requests=requests,
            results=results,
            dead_letters=all_of(DeadLetter),
            seen=all_of(Seen),
            polled=all_of(Polled),
            viewed=all_of(Viewed),
            scrapes=all_of(Scrape),
            owner=asked | learned,
            results_of=_grouped((each.job_id, each) for each in results),
            requests_of=_grouped((each.token, each) for each in requests),
            acknowledged=_grouped((each.token, each) for each in sent if each.outcome is Outcome.ACKNOWLEDGED),
            records=Counter(each.property_id for each in all_of(Changed)),
        )


def _grouped(pairs: Iterable[tuple[str, T]]) -> dict[str, tuple[T, ...]]:
    groups: defaultdict[str, list[T]] = defaultdict(list)
    for name, each in pairs:
        groups[name].append(each)
    return {name: tuple(members) for name, members in groups.items()}
