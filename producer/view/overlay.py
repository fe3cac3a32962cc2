"""Rows that are in the view and not yet in the store: readers see them at once, the store gets them in bulk.

A job whose result comes soon after its request is written once, as it ended.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from producer.store.base import Changes, JobRow, KeyRow, NewBatch, Place
from producer.view.decoding import Pending

_PENDING_BYTES: Final = 512


@dataclass(slots=True, eq=False)
class _Layer:
    jobs: dict[bytes, JobRow | Pending] = field(default_factory=dict)
    keys: dict[bytes, KeyRow] = field(default_factory=dict)
    batches: dict[str, NewBatch] = field(default_factory=dict)
    positions: dict[Place, int] = field(default_factory=dict)
    size: int = 0


class Overlay:
    """Two layers: one takes what arrives, the other is being written."""

    def __init__(self, requests_topic: str, results_topic: str) -> None:
        self._topics = (requests_topic, results_topic)
        self._arriving = _Layer()
        self._leaving: _Layer | None = None

    @property
    def rows(self) -> int:
        """Number of rows held."""
        return len(self._arriving.jobs) + (0 if self._leaving is None else len(self._leaving.jobs))

    @property
    def size(self) -> int:
        """Bytes of the documents held, about."""
        return self._arriving.size + (0 if self._leaving is None else self._leaving.size)

    @property
    def dirty(self) -> bool:
        """Whether anything has arrived that is not being written."""
        layer = self._arriving
        return bool(layer.jobs or layer.positions)

    def put_request(self, job: Pending) -> None:
        """Take in one request; it never hides a result, nor an earlier request."""
        layer = self._arriving
        if layer.jobs.setdefault(job.job_id, job) is job:
            layer.size += _PENDING_BYTES

    def put_result(self, row: JobRow) -> None:
        """Take in one final row; the latest of a job counts."""
        layer = self._arriving
        known = layer.jobs.get(row.job_id)
        if type(known) is JobRow and not row.supersedes(known):
            return
        layer.jobs[row.job_id] = row
        layer.size += len(row.job) + (0 if row.result is None else len(row.result))

    def put_key(self, row: KeyRow) -> None:
        """Take in an idempotency key; the first record of a key counts."""
        self._arriving.keys.setdefault(row.key_id, row)

    def put_batch(self, batch: NewBatch) -> None:
        """Take in what a record says of its batch."""
        self._arriving.batches[batch.batch_id] = batch

    def knows_batch(self, batch_id: str) -> bool:
        """Whether a batch was taken in since the last write."""
        return batch_id in self._arriving.batches

    def advance(self, positions: Mapping[Place, int]) -> None:
        """Note the positions after the rows taken in so far."""
        self._arriving.positions.update(positions)

    def job(self, job_id: bytes) -> JobRow | None:
        """Return the row of a job that is not yet stored, None where there is none."""
        arrived = _row(self._arriving.jobs.get(job_id))
        leaving = None if self._leaving is None else _row(self._leaving.jobs.get(job_id))
        if arrived is None or leaving is None:
            return arrived or leaving
        return arrived if arrived.supersedes(leaving) else leaving

    def key(self, key_id: bytes) -> KeyRow | None:
        """Return an idempotency key that is not yet stored, None where there is none."""
        leaving = None if self._leaving is None else self._leaving.keys.get(key_id)
        return leaving or self._arriving.keys.get(key_id)

    def leave(self) -> Callable[[str], Changes]:
        """Let go what has arrived, to be written; it stays visible until ``settle``.

        Returns what makes changes of it for a generation; that takes a while, and may be done in another thread.
        """
        self._leaving, self._arriving = self._arriving, _Layer()
        return partial(_changes, self._leaving, self._topics)

    def settle(self) -> None:
        """Let go of what was being written: the store has it now."""
        self._leaving = None

    def clear(self) -> None:
        """Forget everything, because reading begins anew."""
        self._arriving, self._leaving = _Layer(), None


def _changes(layer: _Layer, topics: tuple[str, str], generation: str) -> Changes:
    return Changes(
        generation,
        *topics,
        layer.positions,
        [job.row() if isinstance(job, Pending) else job for job in layer.jobs.values()],
        list(layer.keys.values()),
        list(layer.batches.values()),
    )


def _row(job: JobRow | Pending | None) -> JobRow | None:
    return job.row() if isinstance(job, Pending) else job
