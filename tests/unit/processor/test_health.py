"""A worker is replaced when it is stuck, and only then; it is ready when it can value requests."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from aiokafka import TopicPartition

from processor.health import Health
from processor.lanes.lag import LagWatch
from processor.lanes.lane import LaneState


@dataclass
class _Lane:
    state: LaneState = LaneState.RUNNING
    why: str = ""
    settled: int | None = 0
    partition: TopicPartition = field(default_factory=lambda: TopicPartition("requests", 0))


@dataclass
class _Ends:
    offset: int = 0
    error: BaseException | None = None

    async def last(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        if self.error is not None:
            raise self.error
        return dict.fromkeys(partitions, self.offset)


@dataclass
class _Source:
    lanes: list[_Lane] = field(default_factory=lambda: [_Lane()])
    ends: _Ends = field(default_factory=_Ends)
    joined: bool = True
    why: str = ""


@dataclass
class _Time:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


class _World:
    def __init__(self) -> None:
        self.source, self.time, self.roll_ready = _Source(), _Time(), True
        self.shown: dict[int, int] = {}
        self.lag = LagWatch(self.source, self.shown.update, self.time)
        self.health = Health(self.source, self.lag, lambda: self.roll_ready, 60.0, self.time)

    async def look(self, seconds: float = 1.0, times: int = 1) -> None:
        for _ in range(times):
            self.time.now += seconds
            await self.lag.look()


async def test_lag_is_what_is_on_the_topic_and_not_settled() -> None:
    world = _World()
    world.source.ends.offset, world.source.lanes[0].settled = 17, 5
    await world.look()
    assert world.shown == {0: 12}


async def test_standing_still_with_something_to_do_is_a_stall() -> None:
    world = _World()
    world.source.ends.offset = 10
    await world.look(times=59)
    assert world.health.dead() == []
    await world.look(times=3)
    assert world.health.dead() == ["no progress for 62 s though there is lag"]
    assert not world.health.must_exit()
    await world.look(times=10)
    assert world.health.must_exit()


async def test_progress_however_slow_is_none() -> None:
    world = _World()
    world.source.ends.offset = 1_000
    for settled in range(10):
        world.source.lanes[0].settled = settled
        await world.look(times=50)
        assert world.health.dead() == []


async def test_having_nothing_to_do_is_none() -> None:
    world = _World()
    await world.look(times=500)
    world.source.ends.offset = 1
    await world.look()
    assert world.health.dead() == []


async def test_a_process_that_was_suspended_is_not_stuck() -> None:
    world = _World()
    world.source.ends.offset = 10
    await world.look(times=2)
    await world.look(seconds=3_600)
    assert world.health.dead() == []


@pytest.mark.parametrize("state", [LaneState.STARTING, LaneState.WAITING, LaneState.FENCED])
async def test_a_lane_that_never_gets_going_is_a_stall(state: LaneState) -> None:
    world = _World()
    world.source.lanes = [_Lane(state, settled=None)]
    world.source.ends.offset = 10
    await world.look(times=70)
    assert world.health.dead()


async def test_a_lane_that_waits_for_people_is_none() -> None:
    world = _World()
    world.source.lanes = [_Lane(LaneState.HALTED, "too much garbage")]
    world.source.ends.offset = 10
    await world.look(times=200)
    assert world.health.dead() == []
    assert world.health.unready() == ["partition 0 is halted: too much garbage"]


async def test_a_worker_without_kafka_is_alive_and_says_that_it_is_not_ready() -> None:
    world = _World()
    await world.look()
    assert world.health.unready() == []
    world.source.ends.error = ConnectionError()
    with pytest.raises(ConnectionError):
        await world.look(times=200)
    world.time.now += 11
    assert world.health.unready() == ["Kafka does not answer"]
    assert world.health.dead() == []


def test_a_worker_that_has_not_joined_says_what_it_waits_for() -> None:
    world = _World()
    world.source.joined, world.source.why = False, "waiting for Kafka"
    world.roll_ready = False
    world.source.lanes = []
    assert world.health.unready() == ["the property roll is being read", "not in the group: waiting for Kafka"]


async def test_a_partition_that_left_takes_its_stall_along() -> None:
    world = _World()
    world.source.ends.offset = 10
    await world.look(times=65)
    assert world.health.dead()
    world.source.lanes = []
    await world.look()
    assert world.health.dead() == []
