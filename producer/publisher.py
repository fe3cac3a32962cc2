"""Puts records on Kafka: one idempotent ``acks=all`` producer, a bounded amount in flight, a deadline for every caller.

Records gather for each partition while its previous batch is on the way, so the size of a batch follows the load and
a lone record waits for nothing. Kafka may be away when the publisher starts or go away later: callers are told within
the deadline, and everything resumes by itself.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from aiokafka.errors import KafkaError

from producer.acknowledged import Acknowledged
from producer.errors import KafkaUnavailable, Overloaded
from producer.lane import Client, Lane, Record, Ticket
from producer.partitioning import partition_for, partitions_for
from schemas.logs import get_logger
from schemas.topics import Topic

_SWEEP_SECONDS: Final = 0.2
_RECONNECT_SECONDS: Final = 1.0
_ANSWER_SECONDS: Final = 10.0
_SHARE: Final = 2_000
_BUSY: Final = 8
"""Records within two beats from which on they wait for each other."""
_BEAT_SECONDS: Final = 0.004
_log = get_logger(__name__)


class PublishTimer(Protocol):
    """Told how long each acknowledged publish took, in seconds."""

    def __call__(self, seconds: float, /) -> None:
        """Take note of one publish."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may be in flight, and how long a caller waits for the acknowledgement."""

    records: int = 20_000
    total_bytes: int = 64 << 20
    seconds: float = 4.0


class Publisher:
    """Publishes records and answers when Kafka has acknowledged them.

    Args:
        connect: makes an aiokafka producer that is not started yet; called again after a fatal error.
        topics: the topics that are published to; their partitions are asked for on connecting.
        bounds: limits of what is in flight.
        observe: told the seconds each publish took.
        acknowledged: told how far the partitions reach.
    """

    def __init__(
        self,
        connect: Callable[[], Client],
        topics: Iterable[Topic],
        bounds: Bounds,
        observe: PublishTimer = lambda _seconds: None,
        acknowledged: Acknowledged | None = None,
    ) -> None:
        self._connect = connect
        self._topics = tuple(topic.name for topic in topics)
        self._bounds = bounds
        self._observe = observe
        self._acknowledged = acknowledged or Acknowledged()
        self._client: Client | None = None
        self._lanes: dict[str, list[Lane]] = {}
        self._broken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._reachable = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._beat = self._before = self._here = 0
        self.in_flight = 0
        self.in_flight_bytes = 0

    @property
    def ready(self) -> bool:
        """Whether Kafka was reachable at the last look and acknowledges what it is given."""
        return self._reachable and not any(lane.stalled for lane in self._all_lanes())

    async def start(self) -> None:
        """Begin to connect, in the background; returns at once whether or not Kafka is there."""
        self._tasks = [asyncio.create_task(self._stay_connected()), asyncio.create_task(self._sweep())]

    async def stop(self, seconds: float = 8.0) -> None:
        """Wait up to ``seconds`` for what is in flight, then let go of Kafka."""
        end = time.monotonic() + seconds
        await _wait(self._idle, seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._disconnect("the gateway is stopping", max(0.5, end - time.monotonic()))

    async def publish(self, topic: Topic, record: Record) -> None:
        """Publish one record; returns when every in-sync replica has it.

        Raises:
            Overloaded: too much is in flight; the record was not published.
            KafkaUnavailable: no acknowledgement within the deadline; the record may still be written later.
        """
        started = time.monotonic()
        lane = self._lane(self._lanes_for(topic), record)
        ticket = self._admit(1, record.size, started)
        lane.put(record, ticket)
        await ticket.future
        self._observe(time.monotonic() - started)

    async def publish_all(self, topic: Topic, records: Sequence[Record]) -> None:
        """Publish records, each partition's in the order given; returns when all are acknowledged.

        Raises:
            Overloaded: too much is in flight; none was published.
            KafkaUnavailable: not all were acknowledged within the deadline; any of them may still be written.
        """
        started = time.monotonic()
        lanes = self._lanes_for(topic)
        chosen = self._chosen(lanes, records)
        ticket = self._admit(len(records), sum(record.size for record in records), started)
        for lane, share in chosen:
            lane.put_all(share, ticket)
        await ticket.future
        self._observe(time.monotonic() - started)

    async def publish_many(self, topic: Topic, records: Sequence[Record]) -> None:
        """Publish many records, however many; a share at a time, so that others find room in flight.

        Raises:
            KafkaUnavailable: a share was not acknowledged within the deadline; shares before it are published.
            Overloaded: there was no room for a share; shares before it are published.
        """
        share = min(_SHARE, self._bounds.records)
        for start in range(0, len(records), share):
            await self.publish_all(topic, records[start : start + share])

    def _lanes_for(self, topic: Topic) -> Sequence[Lane]:
        lanes = self._lanes.get(topic.name)
        if lanes is None:
            raise KafkaUnavailable("Kafka is not connected yet.", headers={"Retry-After": "2"})
        return lanes

    @staticmethod
    def _lane(lanes: Sequence[Lane], record: Record) -> Lane:
        return _going(lanes[partition_for(record.key, len(lanes))])

    @staticmethod
    def _chosen(lanes: Sequence[Lane], records: Sequence[Record]) -> list[tuple[Lane, list[Record]]]:
        """Return the lanes that records go to, each with its share in order."""
        shares: dict[int, list[Record]] = {}
        partitions = partitions_for([record.key for record in records], len(lanes))
        for partition, record in zip(partitions, records, strict=True):
            shares.setdefault(partition, []).append(record)
        return [(_going(lanes[partition]), share) for partition, share in shares.items()]

    def _admit(self, count: int, size: int, now: float) -> Ticket:
        if self.in_flight + count > self._bounds.records or self.in_flight_bytes + size > self._bounds.total_bytes:
            raise Overloaded("Too many requests are on their way to Kafka.", headers={"Retry-After": "1"})
        self._idle.clear()
        self._count(count, now)
        self.in_flight += count
        self.in_flight_bytes += size
        return Ticket(count, now + self._bounds.seconds)

    def _count(self, records: int, now: float) -> None:
        """Note how many records come in a beat."""
        beat = int(now / _BEAT_SECONDS)
        if beat != self._beat:
            self._before = self._here if beat == self._beat + 1 else 0
            self._beat, self._here = beat, 0
        self._here += records

    def _gather_seconds(self) -> float:
        """Return how long a lane waits for company before it sends: not at all while there is little to do.

        Else until the next beat, so that all lanes send together: a request to Kafka costs more than what it carries.
        """
        if self._before + self._here < _BUSY:
            return 0.0
        return _BEAT_SECONDS - time.monotonic() % _BEAT_SECONDS

    def _released(self, records: int, size: int) -> None:
        self.in_flight -= records
        self.in_flight_bytes -= size
        if not self.in_flight:
            self._idle.set()

    def _all_lanes(self) -> list[Lane]:
        return [lane for lanes in self._lanes.values() for lane in lanes]

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = time.monotonic()
            for lane in self._all_lanes():
                lane.expire(now)

    @staticmethod
    def _say(reason: str, before: str) -> str:
        if reason != before:
            _log.warning("kafka is away", reason=reason)
        return reason

    async def _stay_connected(self) -> None:
        said = ""
        while True:
            try:
                await self._connected()
            except (KafkaError, OSError) as wrong:
                said = self._say(str(wrong) or type(wrong).__name__, said)
                await self._disconnect("the connection to Kafka was lost", 0.5)
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _connected(self) -> None:
        """Serve from one producer until it breaks."""
        client = self._connect()
        self._client = client
        await client.start()
        self._broken.clear()
        lanes = {name: await self._lanes_of(client, name) for name in self._topics}
        self._lanes = lanes
        while not self._broken.is_set():
            self._note(reachable=await self._answers(client))
            if self._reachable:
                await self._follow_growth(client)
            await _wait(self._broken, _RECONNECT_SECONDS)
        raise KafkaError("the producer cannot go on")

    async def _answers(self, client: Client) -> bool:
        """Return whether Kafka answers in time, at once when the producer breaks meanwhile."""
        asking = asyncio.ensure_future(client.reachable())
        breaking = asyncio.ensure_future(self._broken.wait())
        try:
            await asyncio.wait({asking, breaking}, timeout=_ANSWER_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            return asking.done() and asking.result()
        finally:
            asking.cancel()
            breaking.cancel()

    def _note(self, *, reachable: bool) -> None:
        if self._reachable and not reachable:
            _log.warning("kafka does not answer")
        elif reachable and not self._reachable:
            _log.info("kafka answers")
        self._reachable = reachable

    async def _follow_growth(self, client: Client) -> None:
        """Give partitions that a topic has gained lanes too, since keys are spread over all of them."""
        for name, lanes in self._lanes.items():
            if client.known_partitions(name) > len(lanes):
                lanes.extend((await self._lanes_of(client, name))[len(lanes) :])

    async def _lanes_of(self, client: Client, topic: str) -> list[Lane]:
        partitions = await client.partitions_for(topic)
        return [
            Lane(client, topic, partition, self._released, self._broken.set, self._acknowledged, self._gather_seconds)
            for partition in sorted(partitions)
        ]

    async def _disconnect(self, reason: str, seconds: float) -> None:
        self._reachable = False
        client, self._client = self._client, None
        lanes, self._lanes = self._all_lanes(), {}
        for lane in lanes:
            lane.abandon(KafkaUnavailable(reason, headers={"Retry-After": "2"}))
        if client is not None:
            await client.stop(seconds)


def _going(lane: Lane) -> Lane:
    if lane.stalled:
        raise KafkaUnavailable("Kafka does not acknowledge at present.", headers={"Retry-After": "2"})
    return lane


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
