"""Lanes that commit in rounds: who waits comes along, and everybody learns what became of the transaction."""

import asyncio
from itertools import pairwise

import pytest
from aiokafka import TopicPartition
from aiokafka import errors as kafka

from processor.errors import Fenced, NotWritten, RecordRefused, TryAgain
from processor.lanes.failures import translated
from processor.lanes.ledger import Ledger
from tests.unit.processor.journals import JournalWorker, Writer, commit, outcome


def test_those_who_wait_when_a_round_begins_share_its_transaction() -> None:
    worker = JournalWorker()

    async def commit_all() -> None:
        await asyncio.gather(*(commit(worker.ledger(number), 10 + number) for number in range(5)))
        await commit(worker.ledger(7), 1)

    worker.run(commit_all)
    assert worker.committed() == [{number: 10 + number for number in range(5)}, {7: 1}]


def test_who_comes_while_a_transaction_is_under_way_waits_for_the_next() -> None:
    worker = JournalWorker(Writer(gate=asyncio.Event()))

    async def commit_all() -> None:
        first = asyncio.create_task(commit(worker.ledger(0), 1))
        await asyncio.sleep(0.05)
        rest = [asyncio.create_task(commit(worker.ledger(number), 1)) for number in (1, 2)]
        await asyncio.sleep(0.05)
        assert not first.done()
        assert worker.writer.gate is not None
        worker.writer.gate.set()
        await asyncio.gather(first, *rest)

    worker.run(commit_all)
    assert worker.committed() == [{0: 1}, {1: 1, 2: 1}]


def test_who_leaves_without_a_word_holds_nobody_up() -> None:
    worker = JournalWorker()

    async def change_ones_mind(ledger: Ledger) -> None:
        async with ledger.turn():
            pass

    async def wait_for_ever(ledger: Ledger) -> None:
        async with ledger.turn():
            await asyncio.Event().wait()

    async def commit_all() -> None:
        waiting = asyncio.create_task(wait_for_ever(worker.ledger(2)))
        work = asyncio.gather(change_ones_mind(worker.ledger(0)), commit(worker.ledger(1), 5))
        await asyncio.sleep(1)
        waiting.cancel()
        await work
        given_up = asyncio.create_task(commit(worker.ledger(3), 1))
        await asyncio.sleep(0)
        given_up.cancel()
        await commit(worker.ledger(4), 6)

    worker.run(commit_all)
    assert worker.committed() == [{1: 5}, {4: 6}]


def test_who_is_cancelled_in_a_transaction_does_not_end_it() -> None:
    worker = JournalWorker(Writer(gate=asyncio.Event()))

    async def commit_all() -> None:
        lanes = [asyncio.create_task(commit(worker.ledger(number), 1)) for number in (0, 1)]
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
    worker = JournalWorker(Writer(failures=[error]))

    async def commit_all() -> None:
        outcomes = await asyncio.gather(*(outcome(commit(worker.ledger(number), 1)) for number in range(3)))
        assert [type(outcome) for outcome in outcomes] == [meaning] * 3
        await commit(worker.ledger(0), 1)

    worker.run(commit_all)
    assert worker.writer.begun == 2
    assert worker.committed() == [{0: 1}]


def test_what_failed_and_why_is_told_to_everybody() -> None:
    worker = JournalWorker(Writer(failures=[asyncio.CancelledError(), kafka.NotLeaderForPartitionError()]))

    async def do_it() -> None:
        said = [await outcome(commit(worker.ledger(0), 1)) for _ in range(2)]
        assert [str(error) for error in said] == [
            "ConnectionError: a broken connection cancelled a request",
            "NotLeaderForPartitionError: [Error 6] NotLeaderForPartitionError",
        ]
        assert [type(error.__cause__) for error in said if error] == [ConnectionError, kafka.NotLeaderForPartitionError]

    worker.run(do_it)


def test_who_gave_up_waiting_for_a_commit_does_not_begin_before_it_has_ended() -> None:
    worker = JournalWorker(Writer(gate=asyncio.Event()))

    async def do_it() -> None:
        writing = asyncio.create_task(commit(worker.ledger(0), 1))
        await asyncio.sleep(1)
        writing.cancel()
        beginning = asyncio.create_task(worker.ledger(0).start())
        await asyncio.sleep(1)
        assert not beginning.done()
        assert worker.writer.gate is not None
        worker.writer.gate.set()
        await beginning

    worker.run(do_it)
    assert worker.committed() == [{0: 1}]


def test_who_gave_up_before_the_transaction_began_is_left_out() -> None:
    worker = JournalWorker()

    async def commit_all() -> None:
        first, held = worker.ledger(0), asyncio.Event()

        async def hold_up() -> None:
            async with worker.ledger(1).turn():
                await held.wait()

        lanes = [asyncio.create_task(work) for work in (commit(first, 1), hold_up(), commit(worker.ledger(2), 1))]
        await asyncio.sleep(1)
        lanes[0].cancel()
        await asyncio.sleep(0)
        held.set()
        await lanes[2]

    worker.run(commit_all)
    assert worker.committed() == [{2: 1}]


def test_who_begins_while_others_commit_all_the_time_gets_its_turn() -> None:
    worker = JournalWorker()

    async def commit_all() -> None:
        async def commit_on(ledger: Ledger) -> None:
            for number in range(200):
                await commit(ledger, number)

        busy = [asyncio.create_task(commit_on(worker.ledger(number))) for number in range(2)]
        for number in range(5):
            await asyncio.sleep(0.0137)
            await worker.ledger(2 + number).start()
        assert not any(task.done() for task in busy)
        await asyncio.gather(*busy)

    worker.run(commit_all)


def test_what_nobody_foresaw_is_told_in_a_way_that_can_be_understood() -> None:
    worker = JournalWorker(Writer(unforeseen=ZeroDivisionError()))

    async def ask() -> None:
        error = await outcome(worker.journal.sound())
        assert error is not None
        assert translated(error) is None

    worker.run(ask)


def test_a_commit_that_takes_too_long_is_given_up() -> None:
    worker = JournalWorker(Writer(gate=asyncio.Event()))

    async def do_it() -> None:
        assert isinstance(await outcome(commit(worker.ledger(0), 1)), TryAgain)
        assert asyncio.get_running_loop().time() == pytest.approx(5, abs=0.1)

    worker.run(do_it)


def test_only_who_wrote_what_was_refused_is_told_so() -> None:
    refused = NotWritten({TopicPartition("results", 1): kafka.MessageSizeTooLargeError()})
    worker = JournalWorker(Writer(failures=[refused]))

    async def commit_all() -> None:
        outcomes = await asyncio.gather(*(outcome(commit(worker.ledger(number), 1)) for number in range(3)))
        assert [type(outcome) for outcome in outcomes] == [TryAgain, RecordRefused, TryAgain]
        assert "results/1" in str(outcomes[0])

    worker.run(commit_all)


def test_kafka_is_asked_less_often_the_longer_it_is_away() -> None:
    worker = JournalWorker(Writer(away=9))

    async def do_it() -> None:
        await worker.journal.sound()

    worker.run(do_it)
    waited = [round(later - sooner, 3) for sooner, later in pairwise(worker.writer.moments)]
    assert waited == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]


def test_a_beginning_that_takes_too_long_is_given_up_and_made_again() -> None:
    worker = JournalWorker(Writer(stuck=1))

    async def do_it() -> None:
        await worker.journal.sound()

    worker.run(do_it)
    assert worker.writer.moments == [0.0, pytest.approx(5.05)]


def test_kafka_being_away_is_waited_out() -> None:
    worker = JournalWorker(Writer(away=9))

    async def do_it() -> None:
        await worker.journal.sound()
        await commit(worker.ledger(0), 1)

    worker.run(do_it)
    assert (worker.writer.begun, worker.committed()) == (10, [{0: 1}])


def test_whoever_waits_is_told_of_what_nobody_foresaw() -> None:
    unforeseen = kafka.TransactionalIdAuthorizationFailed()
    worker = JournalWorker(Writer(unforeseen=unforeseen, away=2))

    async def ask() -> None:
        waiting = asyncio.create_task(outcome(commit(worker.ledger(1), 1)))
        await asyncio.sleep(0)
        for work in (worker.journal.sound(), commit(worker.ledger(0), 1), worker.journal.sound()):
            assert await outcome(work) is unforeseen
        assert await waiting is unforeseen

    worker.run(ask)
