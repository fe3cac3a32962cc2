"""Reads the dead letters topic, and the marks of what has been replayed, from their beginnings to their ends."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from producer.deadletters.errors import LettersUnavailable, NoSuchLetter
from producer.deadletters.letter import DeadLetter, Position

_AT_ONCE: Final = 500
_WAIT_MS: Final = 500
_SILENCE_S: Final = 10.0
_TOPIC_S: Final = 4.5
"""The gateway answers 503 within 5 s where Kafka is away."""
_PARTITION_BYTES: Final = 1 << 20
_FETCH_BYTES: Final = 8 << 20

Progress = Callable[[int, int], None]
"""Hears how much has been done, and of how much in all."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a letter has become: the job, and when it was published again."""

    job_id: str
    at: str


@dataclass(frozen=True, slots=True)
class Extent:
    """The offsets that a partition holds: from ``first`` to before ``end``."""

    first: int
    end: int


class Reader:
    """Reads one topic; to be had from ``reading``."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str, extents: Mapping[int, Extent]) -> None:
        self._consumer = consumer
        self._topic = topic
        self.extents = extents

    async def records(
        self, spans: Mapping[int, Extent] | None = None, *, progress: Progress | None = None
    ) -> AsyncIterator[ConsumerRecord]:
        """Yield the committed records of these spans, by default of all partitions, each partition's in order.

        Raises:
            LettersUnavailable: Kafka falls silent.
        """
        unread = {
            TopicPartition(self._topic, number): span
            for number, span in (self.extents if spans is None else spans).items()
            if span.first < span.end
        }
        total = sum(span.end - span.first for span in unread.values())
        self._consumer.assign(list(unread))
        for at, span in unread.items():
            self._consumer.seek(at, span.first)
        silence = _Silence()
        while unread:
            for at, found in (await self._consumer.getmany(timeout_ms=_WAIT_MS, max_records=_AT_ONCE)).items():
                for record in found:
                    if at in unread and record.offset < unread[at].end:
                        yield record
            reached = {at: await self._consumer.position(at) for at in unread}
            unread = {at: span for at, span in unread.items() if reached[at] < span.end}
            left = sum(span.end - reached[at] for at, span in unread.items())
            silence.look(left)
            if progress is not None:
                progress(total - left, total)


class _Silence:
    """Gives up on a topic of which nothing more comes."""

    def __init__(self) -> None:
        self._left = -1
        self._since = time.monotonic()

    def look(self, left: int) -> None:
        now = time.monotonic()
        if left != self._left:
            self._left, self._since = left, now
        elif now > self._since + _SILENCE_S:
            raise LettersUnavailable("Kafka gives neither records nor the ends of the partitions.")


@asynccontextmanager
async def reading(options: Mapping[str, Any], topic: str) -> AsyncIterator[Reader]:
    """Connect to read a topic as it is now; transactions that are open now are not waited for.

    Raises:
        LettersUnavailable: Kafka cannot be reached, or has no such topic.
    """
    consumer = AIOKafkaConsumer(
        **options,
        client_id="terrafusion-dead-letters",
        group_id=None,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_PARTITION_BYTES,
        fetch_max_bytes=_FETCH_BYTES,
        fetch_max_wait_ms=100,
    )
    try:
        async with asyncio.timeout(_TOPIC_S):
            await consumer.start()
            at = [TopicPartition(topic, number) for number in await _partitions(consumer, topic)]
            firsts, ends = await consumer.beginning_offsets(at), await consumer.end_offsets(at)
        yield Reader(consumer, topic, {each.partition: Extent(firsts[each], ends[each]) for each in at})
    except (KafkaError, OSError, TimeoutError) as wrong:
        raise LettersUnavailable(f"The topic {topic} cannot be read: {wrong or repr(wrong)}") from wrong
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> Sequence[int]:
    known = await consumer._client.fetch_all_metadata()  # noqa: SLF001 - asking for one topic may create it
    found = known.partitions_for_topic(topic)
    if not found:
        raise LettersUnavailable(f"There is no topic {topic}; `terrafusion topics apply` makes it.")
    return sorted(found)


async def letters(reader: Reader, *, progress: Progress | None = None) -> AsyncIterator[DeadLetter]:
    """Yield every letter of the topic."""
    async for record in reader.records(progress=progress):
        yield letter_of(record)


async def letters_at(reader: Reader, positions: Iterable[Position]) -> list[DeadLetter]:
    """Return the letters at these positions, in their order.

    Raises:
        NoSuchLetter: there is none at one of them.
    """
    wanted = sorted(set(positions))
    found: dict[Position, DeadLetter] = {}
    for position in wanted:
        extent = reader.extents.get(position.partition)
        if extent is None or not extent.first <= position.offset < extent.end:
            raise NoSuchLetter(f"There is no dead letter at {position}.")
        only = Extent(position.offset, position.offset + 1)
        async for record in reader.records({position.partition: only}):
            found[position] = letter_of(record)
        if position not in found:
            raise NoSuchLetter(f"There is no dead letter at {position}.")
    return [found[position] for position in wanted]


async def marks(options: Mapping[str, Any], topic: str) -> dict[str, Mark]:
    """Return what has been replayed: for the mark of each letter what it has become."""
    found: dict[str, Mark] = {}
    async with reading(options, topic) as reader:
        async for record in reader.records():
            if record.value is None:
                found.pop(record.key.decode(), None)
            else:
                said = orjson.loads(record.value)
                found[record.key.decode()] = Mark(said["job_id"], said["replayed_at"])
    return found


def letter_of(record: ConsumerRecord) -> DeadLetter:
    """Return the letter that a record of the topic is."""
    return DeadLetter(
        record.topic,
        Position(record.partition, record.offset),
        record.timestamp,
        record.key,
        record.value,
        tuple(record.headers),
    )
