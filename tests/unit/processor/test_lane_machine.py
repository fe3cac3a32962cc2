"""Any course of publishing, rebalances, crashes and failing transactions, against a model of what the topics must hold.

``LANE_MACHINE_EXAMPLES=5000 pytest tests/unit/processor/test_lane_machine.py`` goes on for longer than the suite does.
"""

import asyncio
import os
from collections import Counter, deque
from collections.abc import Sequence
from typing import Final

from aiokafka.errors import (
    CoordinatorNotAvailableError,
    InvalidTxnState,
    OutOfOrderSequenceNumber,
    RequestTimedOutError,
)
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from schemas.codec import decode_request
from schemas.errors import InvalidRequest
from tests.fakes import request_value
from tests.rows import read_row
from tests.unit.processor.lane_workers import SECONDS, Topic, Worker, job
from tests.unit.processor.virtual_time import VirtualLoop

_EXAMPLES: Final = int(os.environ.get("LANE_MACHINE_EXAMPLES", "40"))
_STEPS: Final = 30
_PASSING: Final[Sequence[type[BaseException]]] = (
    CoordinatorNotAvailableError,
    InvalidTxnState,
    OutOfOrderSequenceNumber,
    RequestTimedOutError,
    ConnectionResetError,
    TimeoutError,
    asyncio.CancelledError,
)
_WORKERS: Final = st.integers(0, 2)
_ERRORS: Final = st.lists(st.sampled_from(_PASSING), min_size=1, max_size=2)


class LaneMachine(RuleBasedStateMachine):
    """Three workers, one partition; every fault that a rule can inject may hit in any order."""

    @initialize(window=st.sampled_from([1, 2, 5, 1_000]))
    def begin(self, window: int) -> None:
        self.loop = VirtualLoop()
        self.window = window
        self.kafka = Topic()
        self.workers = [Worker(self.kafka, window) for _ in range(3)]
        self.counted_by_the_dead: list[str] = []
        self.jobs = 0
        self.committed = 0
        self.doubtful = False
        self.forgetful = False
        """Whether somebody who may have been about to count has been stopped."""

    @rule(count=st.integers(1, 8))
    def publish_new(self, count: int) -> None:
        self._publish(*(request_value("P1", job(self.jobs + at)) for at in range(count)))
        self.jobs += count

    @precondition(lambda self: self.jobs)
    @rule(back=st.integers(1, 12))
    def publish_again(self, back: int) -> None:
        self._publish(request_value("P1", job(max(self.jobs - back, 0))))

    @rule(value=st.sampled_from([b"garbage", None, b"[]", b'{"property_id":1}']))
    def publish_garbage(self, value: bytes | None) -> None:
        self._publish(value)

    @rule()
    def publish_and_abort(self) -> None:
        self.kafka.uncommitted.add(len(self.kafka.values))
        self._publish(request_value("P1", job(self.jobs)))

    @rule(to=_WORKERS)
    def rebalance(self, to: int) -> None:
        """Everybody finishes what is in hand, then the partition is another's."""
        self.loop.run(self._all_end(orderly=True))
        self.loop.run(self._start(to))

    @rule(to=_WORKERS)
    def take_over_from_a_sleeper(self, to: int) -> None:
        """Whoever held the partition does not know that it is another's now."""
        if self.workers[to].lane is None:
            self.doubtful = True
            self.loop.run(self._start(to))

    @rule(worker=_WORKERS)
    def crash(self, worker: int) -> None:
        """The process dies, and what it remembered with it; another one has its name."""
        dead = self.workers[worker]
        self.loop.run(dead.end(orderly=False))
        self._expect_no_fault(dead)
        self.counted_by_the_dead += dead.counted
        self.workers[worker] = Worker(self.kafka, self.window)
        self.forgetful = True

    @rule(errors=_ERRORS)
    def transactions_will_abort(self, errors: list[type[BaseException]]) -> None:
        self.kafka.faults += [error() for error in errors]
        self.doubtful = True

    @rule(errors=_ERRORS)
    def commits_will_be_in_doubt(self, errors: list[type[BaseException]]) -> None:
        self.kafka.doubts += [error() for error in errors]
        self.doubtful = self.forgetful = True  # an heir cannot count what the one before it has committed

    @rule(hanging=st.booleans())
    def brokers_hang(self, hanging: bool) -> None:  # noqa: FBT001 - drawn
        if hanging:
            self.doubtful = True
            self.kafka.gate = self.kafka.gate or asyncio.Event()
        else:
            self._let_go()

    @rule(seconds=st.sampled_from([0.0, 0.002, 0.3, 20.0]))
    def time_passes(self, seconds: float) -> None:
        self.loop.run(asyncio.sleep(seconds))

    @rule(worker=_WORKERS)
    def everything_settles(self, worker: int) -> None:
        """Once nothing goes wrong any more, whoever holds the partition settles all of it."""
        self._let_go()
        self.kafka.faults.clear()
        self.loop.run(self._all_end(orderly=False))
        self.loop.run(self._start(worker))
        self.loop.run(self._settled())
        if not (self.forgetful or self.doubtful):
            assert sorted(self._counted()) == sorted(self._results())

    @invariant()
    def topics_hold_what_the_committed_requests_come_to(self) -> None:
        committed = self.kafka.committed or 0
        assert committed >= self.committed, "the committed offset went back"
        self.committed = committed
        visible = [(at, self.kafka.values[at]) for at in range(committed) if at not in self.kafka.uncommitted]
        self._expect_results(visible)
        dead = [read_row(row).value for row in self.kafka.topics.get("dead", [])]
        assert dead == [value for at, value in visible if _job_of(value, at) is None]

    @invariant()
    def nothing_is_counted_that_is_not_written_or_twice(self) -> None:
        counted, written = Counter(self._counted()), Counter(self._results())
        assert counted.keys() <= written.keys()
        assert counted <= written
        for worker in self.workers:
            self._expect_no_fault(worker)

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.run(self._all_end(orderly=False))
            assert self.kafka.open_books == 0
            self.loop.close()

    def _expect_results(self, visible: Sequence[tuple[int, bytes | None]]) -> None:
        """Each job has its result at its first request; a request that repeats one within the window has none.

        Beyond the window a repeated job may be valued again or not: what is in hand is remembered as well.
        """
        results = deque(self._results())
        lately: deque[str] = deque(maxlen=self.window)
        ever: set[str] = set()
        for at, value in visible:
            job = _job_of(value, at)
            if job is None:
                continue
            if job not in lately:
                if results and results[0] == job:
                    results.popleft()
                else:
                    assert job in ever, f"{job} is lost, or out of order"
            lately.append(job)
            ever.add(job)
        assert not results, f"doubled, or nobody asked for it: {list(results)}"

    def _results(self) -> list[str]:
        return [(read_row(row).key or b"").decode() for row in self.kafka.topics.get("results", [])]

    def _counted(self) -> list[str]:
        return [*self.counted_by_the_dead, *(job for worker in self.workers for job in worker.counted)]

    def _publish(self, *values: bytes | None) -> None:
        self.kafka.publish(*values)

    def _let_go(self) -> None:
        if self.kafka.gate is not None:
            self.kafka.gate.set()
            self.kafka.gate = None

    async def _start(self, worker: int) -> None:
        self.workers[worker].start()
        await asyncio.sleep(0)

    async def _settled(self) -> None:
        end = max((at + 1 for at in range(len(self.kafka.values)) if at not in self.kafka.uncommitted), default=0)
        for _ in range(int(SECONDS)):
            if (self.kafka.committed or 0) >= end:
                return
            await asyncio.sleep(1)
        raise AssertionError("the partition stands still")

    async def _all_end(self, *, orderly: bool) -> None:
        for worker in self.workers:
            await worker.end(orderly=orderly)

    @staticmethod
    def _expect_no_fault(worker: Worker) -> None:
        assert worker.fatal == [], "the worker would have ended its process"


def _job_of(value: bytes | None, offset: int) -> str | None:
    try:
        return decode_request(value, key=None, topic="requests", partition=3, offset=offset, timestamp_ms=0).job_id
    except InvalidRequest:
        return None


def test_whatever_happens_every_request_comes_to_one_result_in_its_order() -> None:
    run_state_machine_as_test(
        LaneMachine,
        settings=settings(
            max_examples=_EXAMPLES,
            derandomize="LANE_MACHINE_EXAMPLES" not in os.environ,
            stateful_step_count=_STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
