"""The parts of a lane at their edges: pauses, where it starts, what errors mean, limits to the record."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from aiokafka import TopicPartition
from aiokafka import errors as kafka

from processor.batch import Row
from processor.errors import Fenced, Halted, RecordRefused, TryAgain
from processor.lanes.budget import Budget
from processor.lanes.chunk import read_committed
from processor.lanes.failures import translated
from processor.lanes.foreign import foreign_records
from processor.lanes.lane import Lane, LaneState
from processor.lanes.limits import DeadLetterLimits, DeadLetterWatch
from processor.lanes.recordbatch import RecordBatch
from processor.wire import frame
from tests.fakes import FakeBook, FakeKafka, raw_chunk
from tests.unit.processor.lane_workers import BUDGET, Topic, Worker, requests
from tests.unit.processor.virtual_time import run_virtually


@dataclass(slots=True)
class _Watched:
    """A lane in virtual time, and when and why it was interrupted."""

    topic: Topic
    interrupted: list[tuple[float, str]] = field(default_factory=list)
    fatal: list[BaseException] = field(default_factory=list)

    def lane(self) -> Lane:
        worker = Worker(self.topic, 100)
        context = replace(worker._context(), aborted=self._note, fatal=self.fatal.append)
        return Lane(self.topic.partition, self.topic.feed(), worker.memory, context)

    def _note(self, reason: str) -> None:
        self.interrupted.append((asyncio.get_running_loop().time(), reason))

    def run(self, lane: Lane, seconds: float) -> None:
        async def for_a_while() -> None:
            task = asyncio.ensure_future(lane.run())
            await asyncio.wait({task}, timeout=seconds)
            lane.drain()
            await asyncio.wait({task}, timeout=1)
            assert task.done()

        run_virtually(for_a_while())

    def jobs(self) -> int:
        return len(self.topic.topics.get("results", []))


def test_a_lane_that_fails_again_and_again_pauses_longer_each_time_up_to_five_seconds() -> None:
    watched = _Watched(Topic(requests(0, 1), faults=[kafka.RequestTimedOutError() for _ in range(9)]))
    watched.run(watched.lane(), 60)
    assert watched.jobs() == 1
    assert {reason for _, reason in watched.interrupted} == {"RequestTimedOutError"}
    pauses = [after - before for (before, _), (after, _) in pairwise(watched.interrupted)]
    longest = [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    assert all(most / 2 <= pause <= most + 0.1 for pause, most in zip(pauses, longest, strict=True))


def test_a_lane_that_ran_for_long_before_it_failed_begins_with_the_shortest_pause() -> None:
    topic = Topic(requests(0, 1), faults=[kafka.RequestTimedOutError() for _ in range(4)])
    watched = _Watched(topic)

    async def fail_once_more() -> None:
        lane = asyncio.ensure_future(watched.lane().run())
        await asyncio.sleep(20)
        topic.faults += [kafka.RequestTimedOutError(), kafka.RequestTimedOutError()]
        topic.publish(*requests(1, 1))
        await asyncio.sleep(5)
        lane.cancel()
        await asyncio.wait({lane})

    run_virtually(fail_once_more())
    assert watched.jobs() == 2
    *_, (failed, _), (failed_again, _) = watched.interrupted
    assert failed_again - failed == pytest.approx(0.15, abs=0.055)


def test_a_lane_says_how_it_stands() -> None:
    watched = _Watched(Topic(requests(0, 1), faults=[ConnectionResetError("gone")] * 20))
    lane = watched.lane()
    assert (lane.state, lane.why, lane.settled) == (LaneState.STARTING, "", None)
    watched.run(lane, 3)
    assert (lane.state, lane.why, watched.jobs()) == (LaneState.ENDED, "ConnectionResetError: gone", 0)
    watched.topic.faults.clear()
    lane = watched.lane()
    watched.run(lane, 1)
    assert (lane.state, lane.why, lane.settled) == (LaneState.ENDED, "", 1)


@pytest.mark.parametrize(
    ("committed", "beginning", "valued"),
    [(None, 0, 9), (None, 4, 5), (2, 4, 5), (4, 4, 5), (9, 0, 0), (10, 3, 6), (6, 3, 3)],
)
def test_a_lane_starts_at_the_committed_offset_if_the_log_still_has_it(
    committed: int | None, beginning: int, valued: int
) -> None:
    watched = _Watched(Topic(requests(0, 9), committed=committed, beginning=beginning))
    watched.run(watched.lane(), 2)
    assert (watched.jobs(), watched.fatal) == (valued, [])


@dataclass(slots=True)
class _Limited(Topic):
    """Notes how large the records of each ledger may be."""

    limits: list[int] = field(default_factory=list)

    def book(self, partition: TopicPartition, batch_bytes: int) -> FakeBook:
        self.limits.append(batch_bytes)
        return FakeKafka.book(self, partition, batch_bytes)


def test_a_broker_that_takes_no_record_however_small_ends_the_process() -> None:
    limits: list[int] = []
    topic = _Limited(requests(0, 3), refused_above=10, limits=limits)
    watched = _Watched(topic)
    watched.run(watched.lane(), 60)
    assert [type(error) for error in watched.fatal] == [RecordRefused]
    assert len(watched.interrupted) == 6, "a megabyte halved until it is below 16 KiB"
    assert limits == [1_000_000 >> halved for halved in range(6)]
    assert {type(limit) for limit in limits} == {int}


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (kafka.ProducerFenced(), Fenced),
        (kafka.InvalidProducerEpoch(), Fenced),
        (kafka.MessageSizeTooLargeError(), RecordRefused),
        (kafka.RecordTooLargeError(), RecordRefused),
        (kafka.OutOfOrderSequenceNumber(), TryAgain),
        (kafka.NotLeaderForPartitionError(), TryAgain),
        (ConnectionResetError(), TryAgain),
        (TimeoutError(), TryAgain),
        (Halted("too many"), Halted),
    ],
)
def test_what_an_error_means_does_not_depend_on_what_it_is_wrapped_in(error: Exception, meaning: type) -> None:
    wrapped = kafka.KafkaError("sender")
    wrapped.__cause__ = RuntimeError("inner")
    wrapped.__cause__.__cause__ = error
    for found in (translated(error), translated(wrapped)):
        assert found is not None
        assert type(found) is meaning
        assert found is error or found.__cause__ is error
        assert str(error) in str(found)


def test_nobody_guesses_what_an_unknown_error_means() -> None:
    assert translated(kafka.KafkaError("?")) is None
    assert translated(kafka.TopicAuthorizationFailedError()) is None
    assert translated(ValueError()) is None


def test_a_batch_takes_the_rows_from_where_it_is_told_and_may_be_added_to() -> None:
    rows = [frame(b"%d" % number, None, ()) for number in range(6)]
    batch = RecordBatch(1 << 20, 5)
    assert not batch.closed()
    assert batch.extend(rows, 4) == 6
    assert batch.extend(rows[:3], 1) == 3
    assert batch.record_count() == 4
    assert not batch.closed()
    batch.close()
    assert batch.closed()
    ((_, records),) = read_committed(batch._build(), (), 0)
    assert [(one.offset, one.key, one.timestamp) for one in records] == [
        (0, b"4", 5),
        (1, b"5", 5),
        (2, b"1", 5),
        (3, b"2", 5),
    ]


def test_where_the_broker_keeps_the_time_its_time_counts() -> None:
    raw = bytearray(raw_chunk([(None, b"a"), (None, b"b")], 7))
    raw[35:43] = (1_800_000_000_000).to_bytes(8, "big")
    assert [one.timestamp for one in foreign_records(bytes(raw))] == [1_700_000_000_000] * 2
    raw[22] |= 0x08
    assert [(one.offset, one.timestamp) for one in foreign_records(bytes(raw))] == [
        (7, 1_800_000_000_000),
        (8, 1_800_000_000_000),
    ]


def test_a_share_of_dead_letters_at_the_limit_is_allowed_and_one_more_is_not() -> None:
    spread = list(range(0, 20, 2))
    DeadLetterWatch(DeadLetterLimits(5, 50, 20)).admit(20, spread)
    with pytest.raises(Halted, match=r"^55 % of the last 20 records are no valid requests$"):
        DeadLetterWatch(DeadLetterLimits(5, 50, 20)).admit(20, [*spread, 19])
    DeadLetterWatch(DeadLetterLimits(50, 50, 20)).admit(19, list(range(19)))


def test_the_share_is_of_the_last_sample_and_what_a_batch_brings_beyond_it() -> None:
    watch = DeadLetterWatch(DeadLetterLimits(1_000, 50, 20))
    watch.admit(10, list(range(10)))
    watch.admit(10, [])
    watch.admit(10, list(range(10)))
    with pytest.raises(Halted, match=r"^100 % of the last 20"):
        watch.admit(10, list(range(10)))
    watch = DeadLetterWatch(DeadLetterLimits(1_000, 40, 20))
    watch.admit(10, [])
    with pytest.raises(Halted, match=r"^50 % of the last 20"):
        watch.admit(10, list(range(10)))


def test_a_row_that_ended_within_a_batch_is_over() -> None:
    watch = DeadLetterWatch(DeadLetterLimits(5, 100, 1_000))
    watch.admit(6, [0, 1, 2, 3, 4])
    watch.admit(6, [1, 2, 3, 4, 5])
    with pytest.raises(Halted, match=r"^more than 5 records in a row are no valid requests$"):
        watch.admit(2, [0])
    watch = DeadLetterWatch(DeadLetterLimits(5, 100, 1_000))
    watch.admit(6, [0, 1, 2, 3, 4])
    watch.admit(2, [0])


def test_who_waits_for_the_budget_is_served_in_turn_as_far_as_it_goes() -> None:
    served: list[tuple[str, int]] = []

    async def one(budget: Budget, name: str, wanted: int) -> None:
        served.append((name, await budget.take(wanted)))

    async def scene() -> None:
        budget = Budget(10)
        assert await budget.take(10) == 10
        tasks = [asyncio.ensure_future(one(budget, *each)) for each in (("a", 3), ("b", 4), ("c", 9))]
        await asyncio.sleep(0.01)
        assert (served, budget.free) == ([], 0)
        budget.give(10)
        await asyncio.gather(*tasks)
        assert (served, budget.free) == ([("a", 3), ("b", 4), ("c", 3)], 0)

    run_virtually(scene())


def test_a_feed_that_is_told_where_to_begin_anew_forgets_what_it_had() -> None:
    topic = FakeKafka(requests(0, 10))
    feed = topic.feed()
    assert (feed.position, feed.wanted, feed.ready) == (0, None, False)
    feed.seek(2)
    assert [one.offset for one in feed.take(3)] == [2, 3, 4]
    assert feed.position == 5
    feed.seek(7)
    assert feed.position == 7
    assert [one.offset for one in feed.take(100)] == [7, 8, 9]
    assert (feed.position, feed.ready, feed.take(5)) == (10, False, [])


async def test_a_chunk_that_nobody_asked_for_is_dropped() -> None:
    feed = FakeKafka().feed()
    feed.seek(5)
    for at, raw in ((4, raw_chunk([(None, b"x")], 4)), (5, b""), (5, raw_chunk([(None, b"x")], 5)[:-1])):
        feed.accept(at, raw, ())
        assert (feed.wanted, feed.ready) == (5, False)
    feed.fail(kafka.TopicAuthorizationFailedError())
    assert feed.wanted is None
    with pytest.raises(kafka.TopicAuthorizationFailedError):
        await feed.wait()


@dataclass(slots=True)
class _CancelledWhileFailing(FakeBook):
    """A transaction that fails at the very moment at which the lane is told to go."""

    go: Callable[[], object] = lambda: None

    async def write(self, rows: Mapping[str, Sequence[Row]], next_offset: int, mark: str) -> None:  # noqa: ARG002 - as the real one
        asyncio.get_running_loop().call_soon(self.go)
        raise kafka.RequestTimedOutError


def test_a_lane_that_is_cancelled_while_it_cleans_up_keeps_nothing_of_what_all_lanes_share() -> None:
    async def scene() -> None:
        topic = Topic(requests(0, 9))
        worker = Worker(topic, 100)
        context = replace(worker._context(), book=lambda *_: _CancelledWhileFailing(topic, go=task.cancel))
        task = asyncio.ensure_future(Lane(topic.partition, topic.feed(), worker.memory, context).run())
        await asyncio.wait({task}, timeout=60)
        assert task.cancelled()
        assert worker.budget.free == BUDGET

    run_virtually(scene())
