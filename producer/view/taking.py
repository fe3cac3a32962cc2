"""Takes records in: a request becomes a pending job, a result ends one and goes to whoever waits or listens."""

import asyncio
from collections.abc import Sequence
from typing import Final

from producer.headers import IDEMPOTENCY_KEY
from producer.view.decoding import batch_of, key_row, read_request, result_row
from producer.view.feed import Feed
from producer.view.log import Record
from producer.view.overlay import Overlay
from producer.view.waiting import Waiters

_AT_A_STRETCH: Final = 200
"""Records taken in before the event loop may turn: about a millisecond."""


class Taking:
    """The view's hot path.

    ``skipped`` counts records that are neither a request nor a result.
    """

    def __init__(self, results_topic: str, overlay: Overlay, waiters: Waiters, feed: Feed) -> None:
        self._results_topic = results_topic
        self._overlay = overlay
        self._waiters = waiters
        self._feed = feed
        self.skipped = 0

    async def take(self, records: Sequence[Record]) -> None:
        """Take in records of one partition, in order."""
        take_one = self._result if records[0].topic == self._results_topic else self._request
        for first in range(0, len(records), _AT_A_STRETCH):
            for record in records[first : first + _AT_A_STRETCH]:
                take_one(record)
            await asyncio.sleep(0)

    def _request(self, record: Record) -> None:
        job = read_request(record)
        if job is None:
            self.skipped += 1
            return
        overlay = self._overlay
        overlay.put_request(job)
        for name, _ in record.headers:
            if name == IDEMPOTENCY_KEY:
                key = key_row(record, job)
                if key is not None:
                    overlay.put_key(key)
        if job.batch_id is not None and not overlay.knows_batch(job.batch_id):
            batch = batch_of(record, job)
            if batch is not None:
                overlay.put_batch(batch)

    def _result(self, record: Record) -> None:
        row = result_row(record)
        if row is None or record.value is None:
            self.skipped += 1
            return
        self._overlay.put_result(row)
        self._waiters.tell(row.job_id, record.value)
        self._feed.put(row, record.value)
