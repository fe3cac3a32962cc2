"""How a job stands as one small number, so that every index holds status and failure reason in a byte."""

from collections.abc import Sequence
from typing import Final

from schemas.reasons import FailureReason, JobStatus

PENDING: Final = 0
RUNNING: Final = 1
COMPLETED: Final = 2
FAILED: Final = 10
"""A failure whose reason this version does not know; the known reasons follow it."""

_REASONS: Final = {reason.value: FAILED + 1 + place for place, reason in enumerate(FailureReason)}
_NAMES: Final = {code: reason for reason, code in _REASONS.items()}
_STATUSES: Final = {JobStatus.PENDING: PENDING, JobStatus.RUNNING: RUNNING, JobStatus.COMPLETED: COMPLETED}
_FAILURES: Final = (FAILED, *_REASONS.values())
EVERY: Final[Sequence[int]] = (PENDING, RUNNING, COMPLETED, *_FAILURES)

FIRST_FINAL: Final = COMPLETED
"""Codes from this one on are final."""


def final_code(status: str, failure_reason: str | None) -> int:
    """Return the code of a result event's status and reason.

    Raises:
        ValueError: the status is not final.
    """
    if status == "COMPLETED":
        return COMPLETED
    if status != "FAILED":
        raise ValueError(f"{status} is no final status")
    return _REASONS.get(failure_reason or "", FAILED)


def reason_of(code: int) -> str:
    """Return the failure reason of a failed code; ``unknown`` where a later version wrote it."""
    return _NAMES.get(code, "unknown")


def codes_of(status: JobStatus | None, reason: FailureReason | None) -> Sequence[int]:
    """Return the codes that match a status and a failure reason, None meaning any; none if they exclude each other."""
    if reason is not None:
        return (_REASONS[reason.value],) if status in {None, JobStatus.FAILED} else ()
    if status is None:
        return EVERY
    return _FAILURES if status is JobStatus.FAILED else (_STATUSES[status],)
