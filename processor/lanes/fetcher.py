"""Fetches for all feeds of a worker: one request in flight to each broker, over a connection of its own.

aiokafka's own consumer asks a broker for nothing more while records of any partition wait to be taken (up to 100 ms),
which a busy lane makes all the others pay for. Here a partition is asked for whenever its feed has room.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka import errors as kafka
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.fetch import FetchRequest

from processor.lanes.cancellation import leaked
from processor.lanes.ends import Ends
from processor.lanes.feed import Feed
from schemas.logs import get_logger

_READ_COMMITTED: Final = 1
_MAX_WAIT_MS: Final = 250
_REQUEST_MS: Final = 10_000
_CHUNK_BYTES: Final = 1 << 19
_RESPONSE_BYTES: Final = 4 << 20
_BACKOFF_SECONDS: Final = 0.1
_REST_SECONDS: Final = 0.01
"""From one fetch to the next at least, unless it brought much: a request at a time keeps broker and worker so busy with
fetching that answers take longer than they would have waited."""
_MUCH_BYTES: Final = 1 << 16
_STALE_LEADER: Final = (
    kafka.NotLeaderForPartitionError,
    kafka.UnknownTopicOrPartitionError,
    kafka.LeaderNotAvailableError,
    kafka.ReplicaNotAvailableError,
    kafka.KafkaStorageError,
)

_log = get_logger(__name__)


class Fetcher:
    """Keeps feeds filled. Failures of the network are retried for ever; what a feed cannot survive it is told."""

    def __init__(self, client_options: Mapping[str, Any], ends: Ends) -> None:
        self._options = client_options
        self._client: AIOKafkaClient | None = None
        self._ends = ends
        self._feeds: set[Feed] = set()
        self._busy: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._retry: asyncio.TimerHandle | None = None
        self._closed = False

    async def start(self, topic: str) -> None:
        """Connect; raises what aiokafka raises when no broker answers, and may then be tried again."""
        if self._client is not None:
            await self._client.close()
        self._client = AIOKafkaClient(**self._options, client_id="fetcher", request_timeout_ms=_REQUEST_MS)
        await self._client.bootstrap()
        await self._client.add_topic(topic)

    async def stop(self) -> None:
        """Stop fetching and close the connections."""
        self._closed = True
        if self._retry is not None:
            self._retry.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    def open(self, partition: TopicPartition) -> Feed:
        """Return a new feed of a partition; it is fetched for once it is told where to begin."""
        feed = Feed(partition, self._pump)
        self._feeds.add(feed)
        return feed

    def close(self, feed: Feed) -> None:
        """Fetch no more for a feed."""
        self._feeds.discard(feed)

    def _pump(self) -> None:
        """Send a fetch to every broker that has none in flight and leads a partition whose feed has room."""
        if self._closed or self._client is None:
            return
        by_node: defaultdict[int, list[Feed]] = defaultdict(list)
        leaderless = False
        for feed in self._feeds:
            if feed.wanted is not None:
                node = self._client.cluster.leader_for_partition(feed.partition)
                if node is None or node == -1:
                    leaderless = True
                else:
                    by_node[node].append(feed)
        for node, feeds in by_node.items():
            if node not in self._busy:
                self._busy.add(node)
                self._spawn(self._fetch(self._client, node, feeds))
        if leaderless:
            self._client.force_metadata_update()
            self._pump_later()

    def _pump_later(self) -> None:
        if self._retry is None or self._retry.when() < asyncio.get_running_loop().time():
            self._retry = asyncio.get_running_loop().call_later(_BACKOFF_SECONDS, self._pump)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fetch(self, client: AIOKafkaClient, node: int, feeds: Sequence[Feed]) -> None:
        asked = {feed.partition: (feed, feed.wanted) for feed in feeds if feed.wanted is not None}
        topics: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for (topic, partition), (_, offset) in asked.items():
            topics[topic].append((partition, offset or 0, _CHUNK_BYTES))
        loop = asyncio.get_running_loop()
        rested = loop.time() + _REST_SECONDS
        request = FetchRequest(_MAX_WAIT_MS, 1, _RESPONSE_BYTES, _READ_COMMITTED, list(topics.items()))
        try:
            response = await client.send(node, request)
            troubled = self._hand_out(response, asked)
            if _brought(response) > _MUCH_BYTES:
                rested = 0.0
        except (kafka.KafkaError, OSError, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and not leaked():
                raise
            _log.debug("fetch failed", node=node, error=repr(error))
            troubled = True
        except Exception as error:  # noqa: BLE001 - nobody foresaw it; those who wait for records must hear of it
            for feed, _ in asked.values():
                feed.fail(error)
        if troubled:
            client.force_metadata_update()
            await asyncio.sleep(_BACKOFF_SECONDS)
        await asyncio.sleep(max(0.0, rested - loop.time()))
        self._busy.discard(node)
        self._pump()

    def _hand_out(self, response: Any, asked: Mapping[TopicPartition, tuple[Feed, int | None]]) -> bool:
        """Give every feed its part of a response; tell whether some broker no longer leads what it was asked for."""
        troubled = False
        for topic, parts in response.topics:
            for partition, code, _, *rest in parts:
                feed, offset = asked[TopicPartition(topic, partition)]
                error = kafka.for_code(code)
                if offset is None or feed not in self._feeds:
                    continue
                if error is kafka.NoError:
                    aborted = rest[2] if response.API_VERSION >= 11 else rest[-2]  # noqa: PLR2004 - Fetch v11 grew a field
                    feed.accept(offset, rest[-1] or b"", aborted or ())
                elif error is kafka.OffsetOutOfRangeError:
                    self._spawn(self._begin_anew(feed, offset))
                    troubled = True
                elif issubclass(error, _STALE_LEADER) or error().retriable:
                    troubled = True
                else:
                    feed.fail(error(f"{topic}/{partition}"))
        return troubled

    async def _begin_anew(self, feed: Feed, offset: int) -> None:
        """Go on from the beginning of the log: retention has removed the records at ``offset``, or the log is new."""
        with contextlib.suppress(kafka.KafkaError, OSError):
            beginning = (await self._ends.first([feed.partition]))[feed.partition]
            if feed.wanted == offset:
                _log.warning("offset is out of range", partition=feed.partition.partition, offset=offset, now=beginning)
                feed.seek(beginning)


def _brought(response: Any) -> int:
    return sum(len(part[-1] or b"") for _, parts in response.topics for part in parts)
