"""The steps of a transaction against brokers in memory: what is asked again, what given up, and how it is numbered."""

import asyncio
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

import pytest
from aiokafka import TopicPartition
from aiokafka import errors as kafka
from aiokafka.client import ConnectionGroup, CoordinationType

from processor.errors import Fenced, NotWritten
from processor.lanes.protocol import Tenure, TxnOffsetCommitRequestV3
from processor.lanes.recordbatch import RecordBatch
from processor.lanes.transactions import Transactions
from processor.wire import frame
from tests.unit.processor.virtual_time import run_virtually

_ME: Final = "workers.requests.me"
_TENURE: Final = Tenure(7, "me-1", None)
_PRODUCE, _INIT, _ADD_PARTITIONS, _ADD_OFFSETS, _END, _OFFSETS = 0, 22, 24, 25, 26, 28
_STAMP: Final = struct.Struct(">43xqhi")
"""Who writes a record batch, as its head says: producer, epoch, sequence."""
_REQUESTS: Final = TopicPartition("requests", 3)
_VERSIONS: Final = dict.fromkeys((_INIT, _ADD_PARTITIONS, _ADD_OFFSETS, _END, _OFFSETS), (0, 3)) | {_PRODUCE: (3, 7)}


@dataclass(slots=True)
class _Kafka:
    """Brokers that answer as told, and number the producers; every partition is led by the node of its number."""

    answers: dict[int, list[int]] = field(default_factory=dict)
    """Error codes of the next answers, by the key of the request; 0 when there are none left."""
    asked: list[Any] = field(default_factory=list)
    produced: list[tuple[int, TopicPartition, tuple[int, int, int]]] = field(default_factory=list)
    """To which node, to which partition, and with which producer, epoch and sequence each batch went."""
    epoch: int = 0
    moved: int = 0
    """What has been added to the node that leads a partition."""
    leaderless: list[int | None] = field(default_factory=list)
    """What is said of the next leaders that are asked for."""
    lookups: list[tuple[CoordinationType, str]] = field(default_factory=list)
    updates: int = 0

    @property
    def cluster(self) -> "_Kafka":
        return self

    def leader_for_partition(self, partition: TopicPartition) -> int | None:
        if self.leaderless:
            return self.leaderless.pop(0)
        return int(partition.partition) + self.moved

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return {0, 1, 2, 3} if topic == "results" else None

    def force_metadata_update(self) -> asyncio.Future[None]:
        self.moved = 100
        self.updates += 1
        updated: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        updated.set_result(None)
        return updated

    async def coordinator_lookup(self, kind: CoordinationType, key: str) -> int:
        self.lookups.append((kind, key))
        return 1_000 + int(kind)

    async def send(self, node: int, request: Any, *, group: ConnectionGroup = ConnectionGroup.DEFAULT) -> Any:
        await asyncio.sleep(0.001)
        sent = request.prepare(_VERSIONS)
        key = sent.API_KEY
        assert group is (ConnectionGroup.DEFAULT if key == _PRODUCE else ConnectionGroup.COORDINATION)
        assert sent.transactional_id.startswith("workers.requests.")
        if key == _PRODUCE:
            assert (sent.required_acks, sent.timeout) == (-1, 10_000)
            return self._produce(node, sent)
        self.asked.append(sent)
        assert node == 1_000 + (key != _OFFSETS)
        code = self._code(key)
        if key == _INIT:
            self.epoch += code == 0
            return SimpleNamespace(error_code=code, producer_id=40, producer_epoch=self.epoch)
        parts = [("any", [(0, code)])]
        return SimpleNamespace(error_code=code, errors=[(*parts[0], {})] if key == _OFFSETS else parts)

    def _code(self, key: int) -> int:
        left = self.answers.get(key)
        return left.pop(0) if left else 0

    def _produce(self, node: int, sent: Any) -> Any:
        for topic, parts in sent.topics:
            for number, raw in parts:
                self.produced.append((node, TopicPartition(topic, number), _STAMP.unpack_from(raw)))
        answered = [
            (topic, [(number, self._code(_PRODUCE), 0, 0, 0) for number, _ in parts]) for topic, parts in sent.topics
        ]
        return SimpleNamespace(topics=answered)

    def keys(self) -> list[int]:
        return [sent.API_KEY for sent in self.asked]


def _batches(*records: int, partition: int = 0) -> Mapping[TopicPartition, Sequence[RecordBatch]]:
    """Return batches of so many records each for a partition of the results."""
    made = []
    for count in records:
        batch = RecordBatch(1 << 20, 5)
        batch.extend([frame(b"k", b"v", ())] * count, 0)
        made.append(batch)
    return {TopicPartition("results", partition): made}


def _producer(brokers: _Kafka) -> Transactions:
    producer = Transactions({}, _ME, "workers", ("results",))
    producer._connected = brokers
    return producer


def _run(brokers: _Kafka, work: Callable[[Transactions], Any]) -> Transactions:
    producer = _producer(brokers)

    async def begin() -> None:
        async with asyncio.timeout(600):
            await producer.begin_anew()
            await work(producer)

    run_virtually(begin())
    return producer


def _commit(batches: Mapping[TopicPartition, Sequence[RecordBatch]]) -> Callable[[Transactions], Any]:
    return lambda producer: producer.commit(batches, {_REQUESTS: 12}, _TENURE)


def test_a_transaction_is_announced_written_and_ended() -> None:
    brokers = _Kafka()
    _run(brokers, _commit(_batches(3)))
    assert sorted(brokers.keys()[1:3]) == [_ADD_PARTITIONS, _ADD_OFFSETS]
    assert brokers.keys()[3:] == [_OFFSETS, _END]
    assert brokers.produced == [(100, TopicPartition("results", 0), (40, 1, 0))]
    assert brokers.asked[-1].transaction_result is True
    sent = {each.API_KEY: each for each in brokers.asked}
    assert sent[_INIT].transaction_timeout_ms == 60_000
    assert sent[_ADD_PARTITIONS].topics == [("results", [0])]
    assert sent[_ADD_OFFSETS].group_id == "workers"
    assert {(each.producer_id, each.producer_epoch) for key, each in sent.items() if key != _INIT} == {(40, 1)}
    assert brokers.lookups == [(CoordinationType.TRANSACTION, _ME), (CoordinationType.GROUP, "workers")]


def test_offsets_go_with_the_generation_and_the_name_of_who_writes_them() -> None:
    brokers = _Kafka()
    _run(brokers, _commit(_batches(1)))
    (sent,) = [sent for sent in brokers.asked if sent.API_KEY == _OFFSETS]
    assert (sent.transactional_id, sent.group_id, sent.producer_id, sent.producer_epoch) == (_ME, "workers", 40, 1)
    assert (sent.generation_id, sent.member_id, sent.group_instance_id) == _TENURE
    assert sent.topics == [("requests", [(3, 12, -1, _ME, {})], {})]
    assert TxnOffsetCommitRequestV3.decode(sent.encode()).topics == sent.topics


def test_without_records_only_offsets_are_written() -> None:
    brokers = _Kafka()
    _run(brokers, _commit({}))
    assert brokers.keys() == [_INIT, _ADD_OFFSETS, _OFFSETS, _END]


def test_batches_of_a_partition_follow_each_other_and_are_numbered_through() -> None:
    brokers = _Kafka()

    async def commit(producer: Transactions) -> None:
        await _commit({**_batches(3, 2, 4), **_batches(5, partition=1)})(producer)
        await _commit(_batches(1))(producer)

    _run(brokers, commit)
    sequences = [[stamp[2] for _, at, stamp in brokers.produced if at.partition == number] for number in (0, 1)]
    assert sequences == [[0, 3, 5, 9], [0]]


def test_sequences_begin_again_after_the_largest() -> None:
    brokers = _Kafka()

    async def commit(producer: Transactions) -> None:
        producer._sequences[TopicPartition("results", 0)] = (1 << 31) - 2
        await _commit(_batches(3, 1))(producer)

    _run(brokers, commit)
    assert [stamp[2] for *_, stamp in brokers.produced] == [(1 << 31) - 2, 1]


@pytest.mark.parametrize("key", [_INIT, _ADD_PARTITIONS, _ADD_OFFSETS, _OFFSETS, _END])
@pytest.mark.parametrize("not_yet", [14, 51])
def test_who_did_nothing_so_far_is_asked_again(key: int, not_yet: int) -> None:
    brokers = _Kafka({key: [not_yet, not_yet]})
    _run(brokers, _commit(_batches(1)))
    assert brokers.keys().count(key) == 3
    assert len(brokers.produced) == 1


@pytest.mark.parametrize("code", [5, 6, 3, 19])
def test_a_batch_that_was_not_written_goes_to_the_new_leader_as_it_was(code: int) -> None:
    brokers = _Kafka({_PRODUCE: [code]})

    async def commit(producer: Transactions) -> None:
        brokers.moved = 0
        await _commit({**_batches(2), **_batches(1, partition=1)})(producer)

    _run(brokers, commit)
    first, second = (TopicPartition("results", number) for number in (0, 1))
    assert brokers.produced == [(0, first, (40, 1, 0)), (1, second, (40, 1, 0)), (100, first, (40, 1, 0))]


def test_a_partition_without_a_leader_is_waited_for() -> None:
    brokers = _Kafka(leaderless=[-1, None, -1])
    _run(brokers, _commit(_batches(1)))
    assert len(brokers.produced) == 1


def test_what_may_have_been_written_is_not_written_again() -> None:
    for code in (7, 20, 45):
        brokers = _Kafka({_PRODUCE: [code]})
        producer = _expect(brokers, NotWritten, _commit({**_batches(1), **_batches(1, partition=1)}))
        assert len(brokers.produced) == 2
        assert brokers.keys().count(_END) == 0
        assert producer._producer is None


def _expect(brokers: _Kafka, error: type[Exception], work: Callable[[Transactions], Any]) -> Transactions:
    async def fail(producer: Transactions) -> None:
        with pytest.raises(error):
            await work(producer)

    return _run(brokers, fail)


def test_who_wrote_what_was_refused_is_named() -> None:
    async def fail(producer: Transactions) -> None:
        with pytest.raises(NotWritten) as raised:
            await _commit({**_batches(1), **_batches(1, partition=1)})(producer)
        ((at, error),) = raised.value.refused.items()
        assert (at, type(error)) == (TopicPartition("results", 0), kafka.MessageSizeTooLargeError)

    _run(_Kafka({_PRODUCE: [10]}), fail)


@pytest.mark.parametrize(
    ("key", "code", "error"),
    [
        (_OFFSETS, 22, Fenced),
        (_OFFSETS, 25, Fenced),
        (_OFFSETS, 82, Fenced),
        (_OFFSETS, 27, kafka.GroupCoordinatorNotAvailableError),
        (_OFFSETS, 16, kafka.NotCoordinatorForGroupError),
        (_ADD_PARTITIONS, 47, kafka.InvalidProducerEpoch),
        (_ADD_OFFSETS, 90, kafka.ProducerFenced),
        (_END, 48, kafka.InvalidTxnState),
        (_END, 53, kafka.TransactionalIdAuthorizationFailed),
    ],
)
def test_any_other_answer_ends_the_transaction_uncommitted(key: int, code: int, error: type[Exception]) -> None:
    brokers = _Kafka({key: [code]})
    producer = _expect(brokers, error, _commit(_batches(1)))
    assert brokers.keys().count(_END) == (key == _END)
    assert producer._producer is None


def test_after_a_failure_nothing_is_written_before_the_producer_has_begun_anew() -> None:
    brokers = _Kafka({_OFFSETS: [22]})

    async def commit(producer: Transactions) -> None:
        with pytest.raises(Fenced):
            await _commit(_batches(4))(producer)
        with pytest.raises(kafka.ProducerClosed):
            await _commit(_batches(4))(producer)
        await producer.begin_anew()
        await _commit(_batches(4))(producer)

    _run(brokers, commit)
    assert [stamp for *_, stamp in brokers.produced] == [(40, 1, 0), (40, 2, 0)]
    assert len(brokers.lookups) == 4, "coordinators are looked up anew"


def test_another_producers_transaction_is_ended_by_taking_its_name() -> None:
    brokers = _Kafka()
    _run(brokers, lambda producer: producer.end("workers.requests.gone"))
    assert [sent.transactional_id for sent in brokers.asked] == [_ME, "workers.requests.gone"]


def test_a_topic_is_known_to_have_a_partition_or_asked_for_again() -> None:
    brokers = _Kafka()
    producer = _producer(brokers)

    async def ask() -> None:
        assert producer.has("results", 3)
        assert not producer.has("results", 4)
        assert not producer.has("elsewhere", 0)

    run_virtually(ask())
    assert brokers.updates == 2
