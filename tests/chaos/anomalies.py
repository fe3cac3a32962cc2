"""The ways in which the guarantees can be broken, and how a report groups them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """One way in which a guarantee can be broken."""

    UNANSWERED = "never acknowledged though retried to the end"
    LOST_REQUEST = "acknowledged and not on the requests topic"
    TWO_JOBS = "one request became two jobs"
    REFUSED_PUBLISHED = "refused and published nevertheless"
    UNKNOWN_REQUEST = "on the requests topic and never asked"
    LOST = "on the requests topic without an end"
    ACCEPTED_WITHOUT_END = "202 without an end"
    DOUBLED = "more than one result"
    STRAY = "a result without a request"
    WRONG = "a result that does not belong to its request"
    UNEQUAL = "different results for the same inputs"
    ELSEWHERE = "a result in another partition than its request"
    OUT_OF_ORDER = "results in another order than their requests"
    VANISHED = "a committed result that was read and is gone"
    SKIPPED = "a result that a continuous reader did not receive"
    REPEATED = "a result that a continuous reader received twice"
    DEAD_LETTER_LOST = "an invalid record without a dead letter"
    DEAD_LETTER_DOUBLED = "more than one dead letter for a record"
    DEAD_LETTER_STRAY = "a dead letter for a valid request"
    DEAD_LETTER_WRONG = "a dead letter that is not its record"
    FORGOTTEN = "an accepted job answered with 404"
    BACKWARDS = "a finished job that was unfinished later"
    UNSEEN = "a result missing from the view"
    VIEW_WRONG = "the view says other than the topic"
    UNBALANCED = "submitted, completed, failed and observed do not add up"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One broken guarantee: what, whose, and the facts."""

    kind: Kind
    subject: str
    detail: str = ""


GROUPS: Final[Mapping[str, frozenset[Kind]]] = {
    "lost": frozenset(
        {
            Kind.UNANSWERED,
            Kind.LOST_REQUEST,
            Kind.LOST,
            Kind.ACCEPTED_WITHOUT_END,
            Kind.VANISHED,
            Kind.DEAD_LETTER_LOST,
        }
    ),
    "doubled": frozenset({Kind.TWO_JOBS, Kind.DOUBLED, Kind.REPEATED, Kind.DEAD_LETTER_DOUBLED}),
    "unseen": frozenset({Kind.SKIPPED, Kind.UNSEEN, Kind.FORGOTTEN}),
}
"""What the report counts by name; every other kind counts as wrong."""


def group(kind: Kind) -> str:
    """Return the report's word for a kind: lost, doubled, unseen or wrong."""
    return next((name for name, kinds in GROUPS.items() if kind in kinds), "wrong")
