"""What of some changes is news to a store, and how it moves the batches' counters: the same for every database."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from producer.store.base import Changes, JobRow, Place
from producer.store.outcomes import FIRST_FINAL

Standing = tuple[str | None, int, int]
"""The batch, outcome and time of update of a job as it is stored."""


def news(changes: Changes, stored: Mapping[Place, int]) -> Sequence[JobRow]:
    """Return the rows that are not in the store yet: another gateway may have written some of them."""
    if not stored:
        return changes.rows
    requests, results = changes.requests_topic, changes.results_topic
    return [
        row
        for row in changes.rows
        if row.offset >= stored.get((results if row.outcome >= FIRST_FINAL else requests, row.partition), 0)
    ]


def one_each(rows: Sequence[JobRow]) -> Sequence[JobRow]:
    """Return one row for each job, the one that stands at the end."""
    latest: dict[bytes, JobRow] = {}
    for row in rows:
        known = latest.get(row.job_id)
        if known is None or row.supersedes(known):
            latest[row.job_id] = row
    return rows if len(latest) == len(rows) else list(latest.values())


@dataclass(slots=True)
class Moves:
    """How the counters of batches move: jobs by batch and outcome, and the rows behind it by batch."""

    jobs: Counter[tuple[str, int]] = field(default_factory=Counter)
    rows: dict[str, list[JobRow]] = field(default_factory=dict)


def moves(rows: Sequence[JobRow], before: Mapping[bytes, Standing]) -> Moves:
    """Return how the batches' counters move when ``rows`` (one for each job, all of batches) are written."""
    moved = Moves()
    for row in rows:
        batch_id = row.batch_id or ""
        stored = before.get(row.job_id)
        if stored is not None:
            old_batch, outcome, updated_ms = stored
            if row.outcome < FIRST_FINAL or (outcome >= FIRST_FINAL and row.updated_ms < updated_ms):
                continue
            if old_batch is not None:
                moved.jobs[old_batch, outcome] -= 1
        moved.jobs[batch_id, row.outcome] += 1
        moved.rows.setdefault(batch_id, []).append(row)
    return moved
