"""Lanes that commit in rounds: who waits comes along, and everybody learns what became of the transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pytest
from aiokafka import TopicPartition
from aiokafka import errors as kafka

from processor.batch import Row
from processor.errors import Fenced, NotWritten, RecordRefused, TryAgain
from processor.lanes.failures import translated
from processor.lanes.journal import Journal
from processor.lanes.ledger import Ledger
from processor.lanes.protocol import Tenure
from processor.lanes.recordbatch import RecordBatch
from processor.wire import frame
from tests.unit.processor.virtual_time import run_virtually

_ROW: Final = frame(b"key", b"value", ())
_ME: Final = "workers.requests.me"
_Offsets = Mapping[TopicPartition, int]


@dataclass(slots=True)
class _Writer:
    """A transactional producer that remembers what it was told."""

    transactional_id: str = _ME
    begun: int = 0
    away: int = 0
    """So many beginnings fail."""
    failures: list[BaseException] = field(default_factory=list)
    """Raised by the next commits."""
    gate: asyncio.Event | None = None
    commits: list[tuple[_Offsets, Tenure]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    topics: frozenset[str] = frozenset({"results"})
    closed: bool = False
    unforeseen: Exception | None = None

    async def begin_anew(self) -> None:
        self.begun += 1
        if self.unforeseen is not None:
            raise self.unforeseen
        if self.begun <= self.away:
            raise kafka.KafkaConnectionError

    async def end(self, transactional_id: str) -> None:
        self.ended.append(transactional_id)

    async def commit(
        self, batches: Mapping[TopicPartition, Sequence[RecordBatch]], offsets: _Offsets, tenure: Tenure
    ) -> None:
        assert all(some for some in batches.values())
        await asyncio.sleep(0.01)
        if self.gate is not None:
            await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.commits.append((dict(offsets), tenure))

    def has(self, topic: str, partition: int) -> bool:
        return topic in self.topics and partition < 12

    async def close(self) -> None:
        self.closed = True


@dataclass(slots=True)
class _Group:
    """A consumer group as one of its members sees it."""

    tenure: Tenure | None = Tenure(3, "me-1", None)  # noqa: RUF009 - immutable
    holder: str | None = None
    present: frozenset[str] = frozenset({_ME})

    async def last_holder(self, _partition: TopicPartition) -> str | None:
        return self.holder

    async def members(self) -> frozenset[str]:
        return self.present


@dataclass(slots=True)
class _Worker:
    """The journal of a worker, and ledgers of its partitions."""

    writer: _Writer = field(default_factory=_Writer)
    group: _Group = field(default_factory=_Group)
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        self.journal = Journal(self.writer, commit_seconds=5.0)

    def ledger(self, partition: int) -> Ledger:
        at = TopicPartition("requests", partition)
        return Ledger(self.journal, self.group, partition=at, topics=("results",), batch_bytes=100)

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something while the journal holds its rounds."""

        async def all_of_it() -> None:
            self.journal.start()
            try:
                async with asyncio.timeout(600):
                    await work()
            finally:
                await self.journal.stop()

        run_virtually(all_of_it())
        assert self.writer.closed

    def committed(self) -> list[dict[int, int]]:
        return [{at.partition: offset for at, offset in offsets.items()} for offsets, _ in self.writer.commits]


async def _commit(ledger: Ledger, next_offset: int, rows: Sequence[Row] = (_ROW,)) -> None:
    async with ledger.turn():
        await ledger.write({"results": rows}, next_offset)


async def _outcome(work: Awaitable[None]) -> BaseException | None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - it is what the tests are about
        return error
    return None


def test_those_who_wait_when_a_round_begins_share_its_transaction() -> None:
    worker = _Worker()

    async def commit_all() -> None:
        await asyncio.gather(*(_commit(worker.ledger(number), 10 + number) for number in range(5)))
        await _commit(worker.ledger(7), 1)

    worker.run(commit_all)
    assert worker.committed() == [{number: 10 + number for number in range(5)}, {7: 1}]


def test_who_comes_while_a_transaction_is_under_way_waits_for_the_next() -> None:
    worker = _Worker(_Writer(gate=asyncio.Event()))

    async def commit_all() -> None:
        first = asyncio.create_task(_commit(worker.ledger(0), 1))
        await asyncio.sleep(0.05)
        rest = [asyncio.create_task(_commit(worker.ledger(number), 1)) for number in (1, 2)]
        await asyncio.sleep(0.05)
        assert not first.done()
        assert worker.writer.gate is not None
        worker.writer.gate.set()
        await asyncio.gather(first, *rest)

    worker.run(commit_all)
    assert worker.committed() == [{0: 1}, {1: 1, 2: 1}]


def test_who_leaves_without_a_word_holds_nobody_up() -> None:
    worker = _Worker()

    async def change_ones_mind(ledger: Ledger) -> None:
        async with ledger.turn():
            pass

    async def wait_for_ever(ledger: Ledger) -> None:
        async with ledger.turn():
            await asyncio.Event().wait()

    async def commit_all() -> None:
        waiting = asyncio.create_task(wait_for_ever(worker.ledger(2)))
        work = asyncio.gather(change_ones_mind(worker.ledger(0)), _commit(worker.ledger(1), 5))
        await asyncio.sleep(1)
        waiting.cancel()
        await work
        given_up = asyncio.create_task(_commit(worker.ledger(3), 1))
        await asyncio.sleep(0)
        given_up.cancel()
        await _commit(worker.ledger(4), 6)

    worker.run(commit_all)
    assert worker.committed() == [{1: 5}, {4: 6}]


def test_who_is_cancelled_in_a_transaction_does_not_end_it() -> None:
    worker = _Worker(_Writer(gate=asyncio.Event()))

    async def commit_all() -> None:
        lanes = [asyncio.create_task(_commit(worker.ledger(number), 1)) for number in (0, 1)]
        await asyncio.sleep(0.05)
        lanes[0].cancel()
        assert worker.writer.gate is not None
        worker.writer.gate.set()
        await lanes[1]

    worker.run(commit_all)
    assert worker.committed() == [{0: 1, 1: 1}]


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (kafka.ProducerFenced(), TryAgain),
        (ConnectionResetError(), TryAgain),
        (asyncio.CancelledError(), TryAgain),
        (Fenced("given out anew"), Fenced),
        (ZeroDivisionError(), ZeroDivisionError),
    ],
)
def test_everybody_learns_that_a_transaction_has_failed_and_the_next_begins_anew(
    error: BaseException, meaning: type[BaseException]
) -> None:
    worker = _Worker(_Writer(failures=[error]))

    async def commit_all() -> None:
        outcomes = await asyncio.gather(*(_outcome(_commit(worker.ledger(number), 1)) for number in range(3)))
        assert [type(outcome) for outcome in outcomes] == [meaning] * 3
        await _commit(worker.ledger(0), 1)

    worker.run(commit_all)
    assert worker.writer.begun == 2
    assert worker.committed() == [{0: 1}]


def test_who_gave_up_waiting_for_a_commit_does_not_begin_before_it_has_ended() -> None:
    worker = _Worker(_Writer(gate=asyncio.Event()))

    async def commit() -> None:
        writing = asyncio.create_task(_commit(worker.ledger(0), 1))
        await asyncio.sleep(1)
        writing.cancel()
        beginning = asyncio.create_task(worker.ledger(0).start())
        await asyncio.sleep(1)
        assert not beginning.done()
        assert worker.writer.gate is not None
        worker.writer.gate.set()
        await beginning

    worker.run(commit)
    assert worker.committed() == [{0: 1}]


def test_who_gave_up_before_the_transaction_began_is_left_out() -> None:
    worker = _Worker()

    async def commit_all() -> None:
        first, held = worker.ledger(0), asyncio.Event()

        async def hold_up() -> None:
            async with worker.ledger(1).turn():
                await held.wait()

        lanes = [asyncio.create_task(work) for work in (_commit(first, 1), hold_up(), _commit(worker.ledger(2), 1))]
        await asyncio.sleep(1)
        lanes[0].cancel()
        await asyncio.sleep(0)
        held.set()
        await lanes[2]

    worker.run(commit_all)
    assert worker.committed() == [{2: 1}]


def test_who_begins_while_others_commit_all_the_time_gets_its_turn() -> None:
    worker = _Worker()

    async def commit_all() -> None:
        async def commit_on(ledger: Ledger) -> None:
            for number in range(200):
                await _commit(ledger, number)

        busy = [asyncio.create_task(commit_on(worker.ledger(number))) for number in range(2)]
        for number in range(5):
            await asyncio.sleep(0.0137)
            await worker.ledger(2 + number).start()
        assert not any(task.done() for task in busy)
        await asyncio.gather(*busy)

    worker.run(commit_all)


def test_what_nobody_foresaw_is_told_in_a_way_that_can_be_understood() -> None:
    worker = _Worker(_Writer(unforeseen=ZeroDivisionError()))

    async def ask() -> None:
        error = await _outcome(worker.journal.sound())
        assert error is not None
        assert translated(error) is None

    worker.run(ask)


def test_a_commit_that_takes_too_long_is_given_up() -> None:
    worker = _Worker(_Writer(gate=asyncio.Event()))

    async def commit() -> None:
        assert isinstance(await _outcome(_commit(worker.ledger(0), 1)), TryAgain)
        assert asyncio.get_running_loop().time() == pytest.approx(5, abs=0.1)

    worker.run(commit)


def test_only_who_wrote_what_was_refused_is_told_so() -> None:
    refused = NotWritten({TopicPartition("results", 1): kafka.MessageSizeTooLargeError()})
    worker = _Worker(_Writer(failures=[refused]))

    async def commit_all() -> None:
        outcomes = await asyncio.gather(*(_outcome(_commit(worker.ledger(number), 1)) for number in range(3)))
        assert [type(outcome) for outcome in outcomes] == [TryAgain, RecordRefused, TryAgain]

    worker.run(commit_all)


def test_kafka_being_away_is_waited_out() -> None:
    worker = _Worker(_Writer(away=9))

    async def commit() -> None:
        await worker.journal.sound()
        await _commit(worker.ledger(0), 1)

    worker.run(commit)
    assert (worker.writer.begun, worker.committed()) == (10, [{0: 1}])


def test_whoever_waits_is_told_of_what_nobody_foresaw() -> None:
    unforeseen = kafka.TransactionalIdAuthorizationFailed()
    worker = _Worker(_Writer(unforeseen=unforeseen))

    async def ask() -> None:
        for work in (worker.journal.sound(), _commit(worker.ledger(0), 1), worker.journal.sound()):
            assert await _outcome(work) is unforeseen

    worker.run(ask)


def test_what_was_worked_out_in_an_earlier_generation_is_not_committed_in_a_later_one() -> None:
    worker = _Worker()

    async def commit_all() -> None:
        old = worker.ledger(0)
        worker.group.tenure = later = Tenure(4, "me-1", None)
        new = worker.ledger(1)
        outcomes = await asyncio.gather(_outcome(_commit(old, 1)), _outcome(_commit(new, 1)))
        assert [type(outcome) for outcome in outcomes] == [Fenced, type(None)]
        assert worker.writer.commits[0][1] == later

    worker.run(commit_all)
    assert worker.committed() == [{1: 1}]


def test_a_ledger_commits_for_the_generation_that_it_was_opened_in() -> None:
    worker = _Worker()

    async def commit() -> None:
        ledger = worker.ledger(0)
        worker.group.tenure = Tenure(4, "me-1", None)
        await _commit(ledger, 1)

    worker.run(commit)
    assert [tenure.generation for _, tenure in worker.writer.commits] == [3]


@pytest.mark.parametrize("tenure", [None, Tenure(-1, "", None)])
def test_who_is_no_member_writes_nothing(tenure: Tenure | None) -> None:
    worker = _Worker(group=_Group(tenure))

    async def start() -> None:
        assert isinstance(await _outcome(worker.ledger(0).start()), Fenced)

    worker.run(start)


@pytest.mark.parametrize(
    ("holder", "ended", "claimed"),
    [(None, [], True), (_ME, [], False), ("gone", ["gone"], True), ("there", [], True)],
)
def test_who_takes_a_partition_over_ends_what_one_that_is_gone_has_left_open(
    holder: str | None,
    ended: list[str],
    claimed: bool,  # noqa: FBT001 - a parameter
) -> None:
    worker = _Worker(group=_Group(holder=holder, present=frozenset({_ME, "there"})))

    async def take_over() -> None:
        ledger = worker.ledger(5)
        await ledger.start()
        await ledger.claim(70)
        await ledger.claim(70)

    worker.run(take_over)
    assert worker.writer.ended == ended
    assert worker.committed() == ([{5: 70}] if claimed else [])


def test_a_topic_that_lacks_the_partition_is_waited_for() -> None:
    worker = _Worker()

    async def start() -> None:
        assert isinstance(await _outcome(worker.ledger(12).start()), TryAgain)

    worker.run(start)
