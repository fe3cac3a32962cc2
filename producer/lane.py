"""One partition's way to Kafka: while a batch is being acknowledged, the next one gathers."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import NamedTuple, Protocol

from producer.acknowledged import Acknowledged, Acknowledgement
from producer.errors import KafkaUnavailable, ProducerError
from schemas.cloudevents import Header
from schemas.logs import get_logger

_log = get_logger(__name__)


class Record(NamedTuple):
    """One record to publish; a ``value`` of None deletes the key from a compacted topic."""

    key: bytes
    value: bytes | None
    timestamp_ms: int
    headers: list[Header]

    @property
    def size(self) -> int:
        """Return the bytes of key and value, which is what the bounds count."""
        return len(self.key) + (0 if self.value is None else len(self.value))


class Batch(Protocol):
    """A batch being filled (aiokafka's BatchBuilder)."""

    def append(self, *, timestamp: int, key: bytes, value: bytes | None, headers: list[Header]) -> object | None:
        """Add a record; returns None where the batch is full and the record was not added."""


class Client(Protocol):
    """What the publisher needs of Kafka."""

    async def start(self) -> None:
        """Connect; raises KafkaError where no broker answers."""

    async def stop(self, seconds: float) -> None:
        """Flush for up to ``seconds`` and disconnect; never raises."""

    async def partitions_for(self, topic: str) -> set[int]:
        """Return the topic's partitions."""

    def known_partitions(self, topic: str) -> int:
        """Return how many partitions the topic had when metadata was last fetched, 0 where that is not known."""

    async def reachable(self) -> bool:
        """Return whether a broker answers right now."""

    def create_batch(self) -> Batch:
        """Return an empty batch."""

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Awaitable[Acknowledgement]:
        """Hand a batch over; the awaitable is done when every in-sync replica has it."""


class Ticket:
    """One caller waiting for a number of acknowledgements until a deadline (monotonic seconds)."""

    __slots__ = ("deadline", "future", "remaining")

    def __init__(self, records: int, deadline: float) -> None:
        self.remaining = records
        self.deadline = deadline
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if records == 0:
            self.future.set_result(None)

    def acknowledge(self) -> None:
        """Count one acknowledged record."""
        self.remaining -= 1
        if self.remaining == 0 and not self.future.done():
            self.future.set_result(None)

    def fail(self, error: ProducerError) -> None:
        """End the wait with an error, unless it has ended already."""
        if not self.future.done():
            self.future.set_exception(error)


_Waiting = tuple[Record, Ticket]


@dataclass(slots=True, eq=False)
class Lane:
    """Batches for one partition, one on the way at a time, so that their order holds.

    Args:
        client: hands batches to Kafka.
        topic: name of the topic.
        partition: number of the partition.
        release: told (records, bytes) when they are no longer in flight.
        broken: told when the client can deliver nothing any more.
        acknowledged: told what Kafka has acknowledged.
        gather: says how many seconds a first record waits for others to go with it.
    """

    client: Client
    topic: str
    partition: int
    release: Callable[[int, int], None]
    broken: Callable[[], None]
    acknowledged: Acknowledged = field(default_factory=Acknowledged)
    gather: Callable[[], float] = lambda: 0.0
    stalled: bool = False
    """Whether Kafka has left a batch unacknowledged beyond a caller's deadline."""
    _queue: deque[_Waiting] = field(default_factory=deque)
    _sent: list[_Waiting] = field(default_factory=list)
    _task: asyncio.Task[None] | None = None

    def put(self, record: Record, ticket: Ticket) -> None:
        """Queue a record; it leaves with the next batch."""
        self._queue.append((record, ticket))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._drain())

    def put_all(self, records: Sequence[Record], ticket: Ticket) -> None:
        """Queue records, at least one, in order."""
        self.put(records[0], ticket)
        self._queue.extend(zip(records[1:], repeat(ticket)))

    def expire(self, now: float) -> None:
        """Fail callers whose deadline has passed; records not handed over yet are dropped, the others may still go."""
        for _, ticket in self._sent:
            if ticket.deadline <= now:
                self.stalled = True
                ticket.fail(_late())
        while self._queue and self._queue[0][1].deadline <= now:
            record, ticket = self._queue.popleft()
            self.release(1, record.size)
            ticket.fail(_late())

    def abandon(self, error: ProducerError) -> None:
        """Fail everybody and send nothing more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._fail(self._sent, error)
        self._fail(list(self._queue), error)
        self._sent = []
        self._queue.clear()

    async def _drain(self) -> None:
        try:
            if (seconds := self.gather()) > 0:
                await asyncio.sleep(seconds)
            while self._queue:
                await self._send(self._filled())
        except Exception as wrong:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            self._refused(wrong)
        finally:
            self._task = None

    def _filled(self) -> Batch:
        batch = self.client.create_batch()
        queue, sent = self._queue, self._sent
        while queue:
            record = queue[0][0]
            if (
                batch.append(timestamp=record.timestamp_ms, key=record.key, value=record.value, headers=record.headers)
                is None
            ):
                break
            sent.append(queue.popleft())
        return batch

    async def _send(self, batch: Batch) -> None:
        answer = await (await self.client.send_batch(batch, self.topic, partition=self.partition))
        self.acknowledged.note(self.topic, self.partition, answer, len(self._sent))
        self.release(len(self._sent), sum(record.size for record, _ in self._sent))
        for _, ticket in self._sent:
            ticket.acknowledge()
        self._sent = []
        self.stalled = False

    def _refused(self, wrong: Exception) -> None:
        _log.warning("kafka refused a batch", topic=self.topic, partition=self.partition, error=repr(wrong))
        detail = f"Kafka refused the record: {type(wrong).__name__}."
        self._fail(self._sent, KafkaUnavailable(detail, headers={"Retry-After": "2"}))
        self._sent = []
        self.broken()

    def _fail(self, waiting: Sequence[_Waiting], error: ProducerError) -> None:
        self.release(len(waiting), sum(record.size for record, _ in waiting))
        for _, ticket in waiting:
            ticket.fail(error)


def _late() -> KafkaUnavailable:
    return KafkaUnavailable("Kafka did not acknowledge in time.", headers={"Retry-After": "2"})
