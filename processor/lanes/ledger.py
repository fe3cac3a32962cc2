"""The transactional producer of one lane: everything that a batch comes to, written and committed as one.

It never aborts: a ledger that failed is discarded, and the next one's ``InitProducerId`` aborts whatever was open.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from processor.batch import Row
from processor.errors import TryAgain
from processor.lanes.recordbatch import RecordBatch

_TRANSACTION_MS: Final = 60_000
_REQUEST_MS: Final = 10_000
_CANCELLATIONS: Final = 3
"""The sender outlives a first cancellation for as long as a request of its own does."""
_RETRY_MS: Final = 5
"""Right after a commit Kafka answers "not yet" until the markers are written; waiting 100 ms would double latency."""


class Ledger:
    """Writes rows and the offset they settle in one transaction at a time."""

    def __init__(
        self,
        client_options: Mapping[str, Any],
        *,
        partition: TopicPartition,
        topics: Sequence[str],
        group: str,
        batch_bytes: int,
    ) -> None:
        self._partition = partition
        self._topics = topics
        self._group = group
        self._batch_bytes = batch_bytes
        # Bound to the partition, not to the worker: whoever starts last fences everybody else out of this partition.
        self._producer = AIOKafkaProducer(
            **client_options,
            transactional_id=f"{group}.{partition.topic}.{partition.partition}",
            client_id=f"lane-{partition.partition}",
            transaction_timeout_ms=_TRANSACTION_MS,
            request_timeout_ms=_REQUEST_MS,
            retry_backoff_ms=_RETRY_MS,
            linger_ms=0,
            max_batch_size=batch_bytes,
            max_request_size=2 * batch_bytes,
        )

    async def start(self) -> None:
        """Fence every earlier holder of the partition, and wait until its last transaction has ended either way.

        Raises:
            TryAgain: a topic to write to lacks the partition, so far.
        """
        await self._producer.start()
        self._producer._sender.sender_task.add_done_callback(self._sender_ended)  # noqa: SLF001 - see there
        for topic in self._topics:
            if self._partition.partition not in await self._producer.partitions_for(topic):
                await self._producer.client.force_metadata_update()
                raise TryAgain(f"{topic} has no partition {self._partition.partition}")

    async def write(self, rows: Mapping[str, Sequence[Row]], next_offset: int, mark: str = "") -> None:
        """Write rows to their topics, to the lane's partition number, commit the offset with them, all or nothing.

        The mark is kept beside the offset, for whoever has to know whether this transaction was the last.

        When this raises it is unknown whether the transaction has committed.
        """
        producer = self._producer
        await producer.begin_transaction()
        deliveries: list[asyncio.Future[Any]] = []
        settled = asyncio.ensure_future(self._settle(next_offset, mark))
        try:
            for topic, records in rows.items():
                await self._send(topic, records, deliveries)
            await asyncio.gather(settled, *deliveries)
        finally:
            settled.cancel()
        await producer.commit_transaction()

    async def _settle(self, next_offset: int, mark: str) -> None:
        settled = {self._partition: OffsetAndMetadata(next_offset, mark)}
        await self._producer.send_offsets_to_transaction(settled, self._group)

    async def _send(self, topic: str, rows: Sequence[Row], deliveries: list[asyncio.Future[Any]]) -> None:
        at, now_ms = 0, time.time_ns() // 1_000_000
        while at < len(rows):
            batch = RecordBatch(self._batch_bytes, now_ms)
            at = batch.extend(rows, at)
            delivery = await self._producer.send_batch(batch, topic, partition=self._partition.partition)
            delivery.add_done_callback(_looked_at)
            deliveries.append(delivery)

    def _sender_ended(self, _sender: asyncio.Task[None]) -> None:
        """Fail whoever waits: when a broken connection cancels its request, aiokafka's sender just returns."""
        ended = ConnectionAbortedError("the producer has stopped sending")
        manager = self._producer._txn_manager  # noqa: SLF001 - there is no other way to learn of it
        if not manager.is_fatal_error():
            self._fail_all(ended)
            if manager.wait_for_transaction_end() is not None:
                manager.fatal_error(ended)
                manager.wait_for_transaction_end().exception()

    def _fail_all(self, error: Exception) -> None:
        """Fail what has not been delivered; asyncio is not to complain of failures that nobody has waited for."""
        waiting = self._producer._message_accumulator  # noqa: SLF001 - there is no other way to it
        waiting.fail_all(error)
        for batch in chain(chain.from_iterable(waiting._batches.values()), waiting._pending_batches):  # noqa: SLF001
            for outcome in (batch.future, batch._drain_waiter):  # noqa: SLF001 - see above
                _looked_at(outcome)

    async def discard(self) -> None:
        """Close the connections at once, whatever is in flight; an open transaction is left for the next ledger."""
        producer = self._producer
        producer._closed = True  # noqa: SLF001 - stop() would first try to deliver what must not be delivered
        # Whatever the sender still waits for will not come any more.
        self._fail_all(ConnectionAbortedError("discarded"))
        sender = producer._sender.sender_task  # noqa: SLF001 - see above
        for _ in range(_CANCELLATIONS):
            if sender is not None:
                sender.cancel()
            with contextlib.suppress(Exception):
                await producer.client.close()
            if sender is None or sender.done():
                break
            await asyncio.wait({sender}, timeout=0.5)
        with contextlib.suppress(Exception):
            await producer.client.close()  # a request under way may have connected once more


def _looked_at(delivery: asyncio.Future[Any]) -> None:
    """Mark a delivery's failure as seen: the first one ends the transaction, the others only repeat it."""
    if delivery.done() and not delivery.cancelled():
        delivery.exception()
