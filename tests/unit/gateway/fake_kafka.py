# ruff: noqa: ARG002 - fakes take what the real ones take
"""A cluster in memory, as the publisher sees one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiokafka.errors import KafkaConnectionError

from producer.acknowledged import Acknowledgement
from producer.lane import Batch, Record
from schemas.cloudevents import Header


@dataclass(slots=True)
class FakeBatch:
    """Takes ``room`` records."""

    room: int = 1000
    records: list[Record] = field(default_factory=list)

    def append(self, *, timestamp: int, key: bytes, value: bytes | None, headers: list[Header]) -> object | None:
        if len(self.records) >= self.room:
            return None
        self.records.append(Record(key, value, timestamp, headers))
        return True


@dataclass(frozen=True, slots=True)
class FakeAnswer:
    """Where a batch lies."""

    offset: int


@dataclass(slots=True)
class FakeKafka:
    """A cluster in memory: down, hanging, refusing or well."""

    partitions: int = 12
    up: bool = True
    hanging: bool = False
    silent: bool = False
    """Whether it leaves the question unanswered whether it is there."""
    unanswered: int = 0
    refusal: Exception | None = None
    room: int = 1000
    log: dict[str, list[tuple[int, Record]]] = field(default_factory=dict)
    batches: int = 0
    starts: int = 0
    listeners: list[Callable[[str, Record], None]] = field(default_factory=list)
    waiting: list[tuple[FakeBatch, str, int, "asyncio.Future[Acknowledgement]"]] = field(default_factory=list)

    def records(self, topic: str) -> list[Record]:
        return [record for _, record in self.log.get(topic, [])]

    async def start(self) -> None:
        if not self.up:
            raise KafkaConnectionError("no broker answers")
        self.starts += 1

    async def stop(self, seconds: float) -> None:
        pass

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(self.partitions))

    def known_partitions(self, topic: str) -> int:
        return self.partitions

    async def reachable(self) -> bool:
        if self.silent:
            self.unanswered += 1
            await asyncio.Event().wait()
        return self.up and not self.hanging

    def create_batch(self) -> FakeBatch:
        return FakeBatch(self.room)

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Awaitable[Acknowledgement]:
        assert isinstance(batch, FakeBatch)
        sent: asyncio.Future[Acknowledgement] = asyncio.get_running_loop().create_future()
        if self.refusal is not None:
            sent.set_exception(self.refusal)
        elif self.hanging:
            self.waiting.append((batch, topic, partition, sent))
        else:
            sent.set_result(self._write(batch, topic, partition))
        return sent

    def come_back(self) -> None:
        """Acknowledge what hung."""
        self.hanging = False
        for batch, topic, partition, sent in self.waiting:
            sent.set_result(self._write(batch, topic, partition))
        self.waiting.clear()

    def _write(self, batch: FakeBatch, topic: str, partition: int) -> FakeAnswer:
        self.batches += 1
        offset = sum(number == partition for number, _ in self.log.get(topic, ()))
        for record in batch.records:
            self.log.setdefault(topic, []).append((partition, record))
            for listener in self.listeners:
                listener(topic, record)
        return FakeAnswer(offset)
