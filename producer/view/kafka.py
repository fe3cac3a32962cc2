"""The requests and results topics of a real Kafka.

Three clients, because a connection answers in order: one waits for records, one is asked where the partitions end and
must not stand in line behind the first, one tells which cluster and which partitions there are.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from producer.store.base import Place
from producer.view.errors import ForeignLog, LogUnavailable
from producer.view.kafka_clients import ANSWER_S, cancelled, partitions_in, places, reader, said, stop_client
from producer.view.kafka_replay import KafkaReplay
from producer.view.log import Opened, Polled

_RECORDS_AT_ONCE: Final = 500
_LOOK_S: Final = 1.0
_SILENCE_S: Final = 6.0
_BEYOND_TRIES: Final = 3
_BEYOND_PAUSE_S: Final = 1.0
"""A broker that has just come back may report an end that is behind for a moment."""


class KafkaLog:
    """Follows topics without a group; positions are the caller's business.

    Args:
        options: connection keywords of every aiokafka client.
        topics: names of the topics to follow.
    """

    def __init__(self, options: Mapping[str, Any], topics: Sequence[str]) -> None:
        self._options = dict(options)
        self._topics = tuple(topics)
        self._consumer: AIOKafkaConsumer | None = None
        self._probe: AIOKafkaConsumer | None = None
        self._admin: AIOKafkaAdminClient | None = None
        self._partitions: list[TopicPartition] = []
        self._positions: dict[Place, int] = {}
        self._opened_ms = 0.0
        self._lookups: set[asyncio.Future[Mapping[Place, int]]] = set()
        self._grown = False
        self._looked_s = 0.0

    async def open(self, positions: Mapping[Place, int], cluster_id: str | None) -> Opened:
        """Connect, and begin to read after ``positions``."""
        try:
            return await self._open(positions, cluster_id)
        except (KafkaError, OSError, TimeoutError) as wrong:
            raise LogUnavailable(f"Kafka cannot be reached: {said(wrong)}") from wrong

    async def close(self) -> None:
        """Disconnect; lookups end first, for a client that is used after it was closed connects again for ever."""
        for lookup in self._lookups:
            lookup.cancel()
        if self._lookups:
            await asyncio.wait(self._lookups)
        clients = (self._consumer, self._probe, self._admin)
        self._consumer = self._probe = self._admin = None
        for client in clients:
            await stop_client(client)

    async def poll(self, wait_s: float) -> Polled:
        """Return what has arrived."""
        consumer = self._consumer
        if consumer is None or self._grown:
            raise LogUnavailable("a topic has got more partitions" if self._grown else "not connected")
        try:
            self._look_for_partitions(consumer)
            arrived = await consumer.getmany(timeout_ms=int(wait_s * 1000), max_records=_RECORDS_AT_ONCE)
            moved = arrived or self._partitions
            positions = {(at.topic, at.partition): await consumer.position(at) for at in moved}
        except (KafkaError, OSError) as wrong:
            raise LogUnavailable(f"the topics cannot be read: {said(wrong)}") from wrong
        self._positions.update(positions)
        return Polled(list(arrived.values()), positions)

    async def rest(self, seconds: float) -> None:
        """Ask the brokers for nothing; else the client would fetch the first records to come the moment they do."""
        consumer = self._consumer
        if consumer is not None:
            consumer.pause(*self._partitions)
        await asyncio.sleep(seconds)
        if consumer is not None:
            consumer.resume(*self._partitions)

    async def ends(self, topics: Sequence[str]) -> Mapping[Place, int]:
        """Return the ends of all partitions, asked of the brokers now."""
        probe, admin = self._probe, self._admin
        if probe is None or admin is None:
            raise LogUnavailable("not connected")
        lookup = asyncio.ensure_future(self._look_up(probe, admin, topics))
        self._lookups.add(lookup)
        lookup.add_done_callback(self._lookups.discard)
        try:
            return await lookup
        except (KafkaError, OSError, TimeoutError) as wrong:
            raise LogUnavailable(f"Kafka does not answer: {said(wrong)}") from wrong
        except asyncio.CancelledError:
            if cancelled():
                raise
            raise LogUnavailable("the connection was given up meanwhile") from None

    async def _look_up(
        self, probe: AIOKafkaConsumer, admin: AIOKafkaAdminClient, topics: Sequence[str]
    ) -> Mapping[Place, int]:
        async with asyncio.timeout(ANSWER_S):
            partitions = partitions_in(await admin.describe_topics(list(topics)), topics)
            if not set(partitions) <= set(self._partitions):
                self._grown = True
            return places(await probe.end_offsets(partitions))

    def lag(self) -> int:
        """Return how far the brokers were ahead when they last answered."""
        consumer = self._consumer
        if consumer is None:
            return 0
        lag = 0
        for partition in self._partitions:
            end = consumer.last_stable_offset(partition)
            if end is not None:
                lag += max(0, end - self._positions[partition.topic, partition.partition])
        return lag

    def silent(self) -> bool:
        """Whether a broker has been asked for records and has not answered for seconds."""
        consumer = self._consumer
        if consumer is None:
            return True
        since_ms = (time.time() - _SILENCE_S) * 1000
        return any((consumer.last_poll_timestamp(at) or self._opened_ms) < since_ms for at in self._partitions)

    def between(self, first: Mapping[Place, int], last: Mapping[Place, int]) -> "KafkaReplay":
        """Read once more what lies between two sets of positions."""
        return KafkaReplay(self._options, first, last)

    async def _open(self, positions: Mapping[Place, int], cluster_id: str | None) -> Opened:
        await self.close()
        async with AsyncExitStack() as undo:
            admin = AIOKafkaAdminClient(**self._options, request_timeout_ms=int(ANSWER_S * 1000))
            undo.push_async_callback(stop_client, admin)
            await admin.start()
            cluster = str((await admin.describe_cluster())["cluster_id"])
            if cluster_id is not None and cluster_id != cluster:
                raise ForeignLog(f"the job store was filled from cluster {cluster_id}, this is {cluster}")
            partitions = partitions_in(await admin.describe_topics(), self._topics)
            probe, consumer = reader(self._options), reader(self._options)
            for client in (probe, consumer):
                undo.push_async_callback(stop_client, client)
                await client.start()
            starts, ends = await self._bounds(probe, partitions, positions)
            begin = {place: max(positions.get(place, 0), start) for place, start in starts.items()}
            consumer.assign(partitions)
            for partition in partitions:
                consumer.seek(partition, begin[partition.topic, partition.partition])
            undo.pop_all()
        self._admin, self._probe, self._consumer = admin, probe, consumer
        self._partitions = partitions
        self._positions = dict(begin)
        self._opened_ms = time.time() * 1000
        self._grown = False
        return Opened(cluster, begin, ends)

    async def _bounds(
        self, probe: AIOKafkaConsumer, partitions: Sequence[TopicPartition], positions: Mapping[Place, int]
    ) -> tuple[Mapping[Place, int], Mapping[Place, int]]:
        """Return where the partitions start and end; raises ForeignLog where a position stays beyond the end."""
        for attempt in range(_BEYOND_TRIES):
            if attempt:
                await asyncio.sleep(_BEYOND_PAUSE_S)
            starts = places(await probe.beginning_offsets(partitions))
            ends = places(await probe.end_offsets(partitions))
            kept = {place: position for place, position in positions.items() if place[0] in self._topics}
            if all(position <= ends.get(place, -1) for place, position in kept.items()):
                return starts, ends
        raise ForeignLog("the topics end before the positions that the job store has read to")

    def _look_for_partitions(self, consumer: AIOKafkaConsumer) -> None:
        """Compare, now and then, what is read with what there is by the client's own metadata."""
        now = time.monotonic()
        if now - self._looked_s < _LOOK_S:
            return
        self._looked_s = now
        known = sum(len(consumer.partitions_for_topic(topic) or ()) for topic in self._topics)
        self._grown = self._grown or known > len(self._partitions)
