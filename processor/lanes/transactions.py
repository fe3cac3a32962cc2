"""A transactional producer over Kafka's protocol: a transaction is written and committed in three steps.

Its partitions and the group are added; records and offsets are written, each to its broker, all at once; it is ended.
Nothing is tried again whose outcome is unknown, and nothing is ever aborted: who failed begins anew, and then
``InitProducerId`` ends whatever was open.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka import errors as kafka
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.protocol.api import Request
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    InitProducerIdRequest,
)

from processor.errors import Fenced, NotWritten
from processor.lanes.protocol import Tenure, TxnOffsetCommit, by_topic
from processor.lanes.recordbatch import RecordBatch

Batches = Mapping[TopicPartition, Sequence[RecordBatch]]

_TRANSACTION_MS: Final = 60_000
_REQUEST_MS: Final = 10_000
_ALL_REPLICAS: Final = -1
_NOT_YET: Final = frozenset({14, 51})
"""COORDINATOR_LOAD_IN_PROGRESS; CONCURRENT_TRANSACTIONS: right after a commit, until its markers are written."""
_NOT_YET_SECONDS: Final = 0.002
_ELECTION_SECONDS: Final = 0.05
_NOT_APPENDED: Final = (
    kafka.NotLeaderForPartitionError,
    kafka.LeaderNotAvailableError,
    kafka.UnknownTopicOrPartitionError,
    kafka.NotEnoughReplicasError,
)
"""Nothing was written, and may be once another broker leads; what failed otherwise may have been written."""
_SEQUENCES: Final = 1 << 31
_OUSTED: Final = frozenset({22, 25, 82})
"""ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID: the partition may be somebody else's by now."""
_PRODUCER_FENCED: Final = 90
_REBALANCING: Final = 27
_NOT_ATTEMPTED: Final = 55
"""Because of another partition, which says why."""


class Transactions:
    """Writes one transaction at a time; once one has failed, ``begin_anew`` comes before the next."""

    def __init__(
        self, client_options: Mapping[str, Any], transactional_id: str, group: str, topics: Sequence[str]
    ) -> None:
        self.transactional_id = transactional_id
        self._options = client_options
        self._group = group
        self._topics = topics
        self._connected: AIOKafkaClient | None = None
        self._producer: tuple[int, int] | None = None
        self._sequences: defaultdict[TopicPartition, int] = defaultdict(int)
        self._coordinators: dict[tuple[CoordinationType, str], int] = {}

    async def begin_anew(self) -> None:
        """Connect if need be, end whatever is open under this transactional id, and be the only one who writes so.

        Raises what aiokafka raises while Kafka is away; to be tried again.
        """
        self._producer = None
        self._coordinators.clear()
        if self._connected is None:
            await self._connect()
        else:
            await self._connected.force_metadata_update()
        self._sequences.clear()
        self._producer = await self._take(self.transactional_id)

    async def end(self, transactional_id: str) -> None:
        """End whatever a producer that is gone has left open; should it live, it will have to begin anew."""
        await self._take(transactional_id)

    async def close(self) -> None:
        """Close the connections at once, whatever is in flight."""
        self._producer = None
        client, self._connected = self._connected, None
        if client is not None:
            await client.close()

    def has(self, topic: str, partition: int) -> bool:
        """Tell whether a topic has a partition, as far as is known; if not, the brokers are asked again."""
        found = partition in (self._client.cluster.partitions_for_topic(topic) or ())
        if not found:
            self._client.force_metadata_update()
        return found

    async def commit(self, batches: Batches, offsets: Mapping[TopicPartition, int], tenure: Tenure) -> None:
        """Write records and offsets in one transaction. When this raises, nobody knows whether it has committed.

        Raises:
            Fenced: the group has given the partitions out anew since ``tenure``; nothing will be seen of this.
            NotWritten: the brokers took the records of some partitions not.
            KafkaError, OSError: something else went wrong.
        """
        producer = self._producer
        if producer is None:
            raise kafka.ProducerClosed
        self._producer = None
        adding = [self._add_partitions(producer, batches)] if batches else []
        await _together(*adding, self._add_group(producer))
        await _together(self._write(producer, batches), self._settle(producer, offsets, tenure))
        await self._end(producer)
        self._producer = producer

    @property
    def _client(self) -> AIOKafkaClient:
        if self._connected is None:
            raise kafka.KafkaConnectionError("not connected")
        return self._connected

    async def _connect(self) -> None:
        client = AIOKafkaClient(**self._options, client_id=self.transactional_id, request_timeout_ms=_REQUEST_MS)
        try:
            await client.bootstrap()
            for topic in self._topics:
                await client.add_topic(topic)
        except BaseException:
            await client.close()
            raise
        self._connected = client

    async def _take(self, transactional_id: str) -> tuple[int, int]:
        request = InitProducerIdRequest(transactional_id, _TRANSACTION_MS)
        response = await self._ask(CoordinationType.TRANSACTION, transactional_id, request, _code)
        return int(response.producer_id), int(response.producer_epoch)

    async def _add_partitions(self, producer: tuple[int, int], batches: Batches) -> None:
        topics = [(topic, [number for number, _ in some]) for topic, some in by_topic(batches).items()]
        request = AddPartitionsToTxnRequest(self.transactional_id, *producer, topics)
        await self._ask(CoordinationType.TRANSACTION, self.transactional_id, request, _codes)

    async def _add_group(self, producer: tuple[int, int]) -> None:
        request = AddOffsetsToTxnRequest(self.transactional_id, *producer, self._group)
        await self._ask(CoordinationType.TRANSACTION, self.transactional_id, request, _code)

    async def _settle(self, producer: tuple[int, int], offsets: Mapping[TopicPartition, int], tenure: Tenure) -> None:
        request = TxnOffsetCommit(self.transactional_id, self._group, producer, tenure, offsets)
        await self._ask(CoordinationType.GROUP, self._group, request, _codes)

    async def _end(self, producer: tuple[int, int]) -> None:
        request = EndTxnRequest(self.transactional_id, *producer, transaction_result=True)
        await self._ask(CoordinationType.TRANSACTION, self.transactional_id, request, _code)

    async def _write(self, producer: tuple[int, int], batches: Batches) -> None:
        """Write the first batch of every partition, then the second of those that have one, and so on."""
        for number in range(max(map(len, batches.values()), default=0)):
            layer = {partition: some[number] for partition, some in batches.items() if number < len(some)}
            for partition, batch in layer.items():
                sequence = self._sequences[partition]
                batch.stamp(*producer, sequence)
                self._sequences[partition] = (sequence + batch.record_count()) % _SEQUENCES
            await self._deliver({partition: batch.build() for partition, batch in layer.items()})

    async def _deliver(self, batches: Mapping[TopicPartition, bytes]) -> None:
        """Write a batch to each of some partitions, to another broker where the first says that it leads no more."""
        left = batches
        while left:
            by_node: defaultdict[int, dict[TopicPartition, bytes]] = defaultdict(dict)
            refused: dict[TopicPartition, Exception] = {}
            for partition, batch in left.items():
                node = self._client.cluster.leader_for_partition(partition)
                if node is None or node == -1:
                    refused[partition] = kafka.LeaderNotAvailableError()
                else:
                    by_node[node][partition] = batch
            for some in await asyncio.gather(*(self._produce(node, some) for node, some in by_node.items())):
                refused.update(some)
            if not all(isinstance(error, _NOT_APPENDED) for error in refused.values()):
                raise NotWritten(refused)
            if refused:
                await self._client.force_metadata_update()
                await asyncio.sleep(_ELECTION_SECONDS)
            left = {partition: batches[partition] for partition in refused}

    async def _produce(self, node: int, batches: Mapping[TopicPartition, bytes]) -> Mapping[TopicPartition, Exception]:
        request = ProduceRequest(
            self.transactional_id, _ALL_REPLICAS, _REQUEST_MS, list(map(_listed, by_topic(batches).items()))
        )
        response = await self._client.send(node, request)
        refused: dict[TopicPartition, Exception] = {}
        for topic, parts in response.topics:
            for number, code, *_ in parts:
                try:
                    _check(code)
                except (kafka.KafkaError, Fenced) as error:
                    refused[TopicPartition(topic, number)] = error
        return refused

    async def _ask(
        self, kind: CoordinationType, key: str, request: Request[Any], codes: Callable[[Any], Iterable[int]]
    ) -> Any:
        """Ask the coordinator of a group or transactional id, again while it says that it did nothing so far."""
        client = self._client
        node = self._coordinators.get((kind, key))
        if node is None:
            node = self._coordinators[kind, key] = await client.coordinator_lookup(kind, key)
        while True:
            response = await client.send(node, request, group=ConnectionGroup.COORDINATION)
            if all(_passed(code) for code in codes(response)):
                return response
            await asyncio.sleep(_NOT_YET_SECONDS)


def _listed(topic: tuple[str, Sequence[tuple[int, bytes]]]) -> tuple[str, list[tuple[int, bytes]]]:
    return topic[0], list(topic[1])


def _code(response: Any) -> Iterable[int]:
    return (response.error_code,)


def _codes(response: Any) -> Iterable[int]:
    return [code for _, parts, *_ in response.errors for _, code, *_ in parts if code != _NOT_ATTEMPTED]


def _passed(code: int) -> bool:
    """Tell whether a request was taken, or is to be asked again in a moment; raises where it was refused."""
    if code in _NOT_YET:
        return False
    _check(code)
    return True


def _check(code: int) -> None:
    error = kafka.for_code(code)
    if error is kafka.NoError:
        return
    if code in _OUSTED:
        raise Fenced(f"the partitions were given out anew: Kafka's error {code}")
    if code == _PRODUCER_FENCED:
        raise kafka.ProducerFenced
    if code == _REBALANCING:
        raise kafka.GroupCoordinatorNotAvailableError
    raise error


async def _together(*work: Coroutine[Any, Any, None]) -> None:
    """Do several things at once; the first that fails ends the others."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
