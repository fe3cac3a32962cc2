"""A partition that is taken over, and offsets that are committed for one generation of the group alone."""

import asyncio
import time

import pytest

from processor.errors import Fenced, TryAgain
from processor.lanes.chunk import read_committed
from processor.lanes.protocol import Tenure
from tests.unit.processor.journals import ME, Group, JournalWorker, commit, outcome


def test_what_was_worked_out_in_an_earlier_generation_is_not_committed_in_a_later_one() -> None:
    worker = JournalWorker()

    async def commit_all() -> None:
        old = worker.ledger(0)
        worker.group.tenure = later = Tenure(4, "me-1", None)
        new = worker.ledger(1)
        outcomes = await asyncio.gather(outcome(commit(old, 1)), outcome(commit(new, 1)))
        assert [type(outcome) for outcome in outcomes] == [Fenced, type(None)]
        assert worker.writer.commits[0][1] == later

    worker.run(commit_all)
    assert worker.committed() == [{1: 1}]


def test_a_ledger_commits_for_the_generation_that_it_was_opened_in() -> None:
    worker = JournalWorker()

    async def do_it() -> None:
        ledger = worker.ledger(0)
        worker.group.tenure = Tenure(4, "me-1", None)
        await commit(ledger, 1)

    worker.run(do_it)
    assert [tenure.generation for _, tenure in worker.writer.commits] == [3]


@pytest.mark.parametrize("tenure", [None, Tenure(-1, "", None)])
def test_who_is_no_member_writes_nothing(tenure: Tenure | None) -> None:
    worker = JournalWorker(group=Group(tenure))

    async def start() -> None:
        assert isinstance(await outcome(worker.ledger(0).start()), Fenced)

    worker.run(start)


@pytest.mark.parametrize(
    ("holder", "ended", "claimed"),
    [(None, [], True), (ME, [], False), ("gone", ["gone"], True), ("there", [], True)],
)
def test_who_takes_a_partition_over_ends_what_one_that_is_gone_has_left_open(
    holder: str | None,
    ended: list[str],
    claimed: bool,  # noqa: FBT001 - a parameter
) -> None:
    worker = JournalWorker(group=Group(holder=holder, present=frozenset({ME, "there"})))

    async def take_over() -> None:
        ledger = worker.ledger(5)
        await ledger.start()
        await ledger.claim(70)
        await ledger.claim(70)

    worker.run(take_over)
    assert worker.writer.ended == ended
    assert worker.committed() == ([{5: 70}] if claimed else [])


def test_a_topic_that_lacks_the_partition_is_waited_for() -> None:
    worker = JournalWorker()

    async def start() -> None:
        assert isinstance(await outcome(worker.ledger(12).start()), TryAgain)

    worker.run(start)


def test_a_ledger_is_written_to_in_its_turn_only() -> None:
    worker = JournalWorker()

    async def write() -> None:
        ledger = worker.ledger(0)
        async with ledger.turn():
            pass
        for each in (ledger, worker.ledger(1)):
            with pytest.raises(RuntimeError, match="in its turn"):
                await each.write({}, 1)

    worker.run(write)


def test_who_takes_a_partition_over_without_asking_who_held_it_claims_it() -> None:
    worker = JournalWorker()
    worker.run(lambda: worker.ledger(5).claim(3))
    assert worker.committed() == [{5: 3}]


def test_results_bear_the_time_at_which_they_are_handed_in() -> None:
    worker = JournalWorker()
    before = time.time_ns() // 1_000_000
    worker.run(lambda: commit(worker.ledger(0), 1))
    ((_, (record,)),) = read_committed(worker.writer.written[0], (), 0)
    assert before <= record.timestamp <= time.time_ns() // 1_000_000


def test_why_a_partition_cannot_be_begun_is_said() -> None:
    worker = JournalWorker()

    async def start() -> None:
        assert str(await outcome(worker.ledger(12).start())) == "results has no partition 12"
        worker.group.tenure = None
        assert str(await outcome(worker.ledger(0).start())) == "not a member of the group"

    worker.run(start)
