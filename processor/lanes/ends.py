"""Where partitions begin and end, asked over connections of its own: lag must be right when all else is stuck."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka import errors as kafka
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.offset import OffsetRequest

_READ_COMMITTED: Final = 1
_LATEST: Final = -1
_EARLIEST: Final = -2
_REQUEST_MS: Final = 10_000


class Ends:
    """Asks for the first and last offsets of partitions; raises what aiokafka raises when Kafka is away."""

    def __init__(self, client_options: Mapping[str, Any]) -> None:
        self._options = client_options
        self._connected: AIOKafkaClient | None = None

    async def start(self, topic: str) -> int:
        """Connect, and return how many partitions the topic has; may be tried again when it raised."""
        await self.stop()
        self._connected = AIOKafkaClient(**self._options, client_id="ends", request_timeout_ms=_REQUEST_MS)
        await self._connected.bootstrap()
        return len(await self._connected._wait_on_metadata(topic))  # noqa: SLF001 - the only way to wait for a topic

    async def stop(self) -> None:
        """Close the connections."""
        client, self._connected = self._connected, None
        if client is not None:
            await client.close()

    async def bounds(self, partition: TopicPartition) -> tuple[int, int]:
        """Return the first offset that the log still has, and the one after the last that a reader may see."""
        first, last = await asyncio.gather(self.first([partition]), self.last([partition]))
        return first[partition], last[partition]

    async def first(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the first offset of each partition that its log still has."""
        return await self._ask(partitions, _EARLIEST)

    async def last(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return for each partition the offset after the last record that a `read_committed` reader may see."""
        return await self._ask(partitions, _LATEST)

    @property
    def _client(self) -> AIOKafkaClient:
        if self._connected is None:
            raise kafka.KafkaConnectionError("not connected")
        return self._connected

    async def _ask(self, partitions: Iterable[TopicPartition], which: int) -> dict[TopicPartition, int]:
        by_node: defaultdict[int, list[TopicPartition]] = defaultdict(list)
        for partition in partitions:
            node = self._client.cluster.leader_for_partition(partition)
            if node is None or node == -1:
                await self._client.force_metadata_update()
                raise kafka.LeaderNotAvailableError(partition)
            by_node[node].append(partition)
        answers = await asyncio.gather(*(self._ask_node(node, some, which) for node, some in by_node.items()))
        return {partition: offset for answer in answers for partition, offset in answer.items()}

    async def _ask_node(self, node: int, partitions: list[TopicPartition], which: int) -> dict[TopicPartition, int]:
        topics: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for topic, partition in partitions:
            topics[topic].append((partition, which))
        response = await self._client.send(node, OffsetRequest(-1, _READ_COMMITTED, list(topics.items())))
        offsets = {}
        for topic, parts in response.topics:
            for partition, code, _, offset in parts:
                error = kafka.for_code(code)
                if error is not kafka.NoError:
                    self._client.force_metadata_update()
                    raise error(f"{topic}/{partition}")
                offsets[TopicPartition(topic, partition)] = int(offset)
        return offsets
