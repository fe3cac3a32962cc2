"""The follower over a source that a test plays: what real Kafka does too seldom to be waited for."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError, OffsetOutOfRangeError

from processor.roll import PropertyRoll, RollFollower, ServingModels
from processor.roll.errors import PositionsLost, TopicsMissing
from processor.roll.source import Source
from schemas.topics import Topics, topics
from tests.unit.roll.builders import property_record

TABLE = topics()
PARTITION = TopicPartition(TABLE.property_records.name, 0)


def record(offset: int, property_id: str) -> ConsumerRecord[bytes, bytes]:
    key, value = property_record(property_id)
    return ConsumerRecord(PARTITION.topic, 0, offset, 1_000, 0, key, value, None, len(key), len(value), ())


class Log:
    """The one partition of the played topics, and how it behaves next."""

    def __init__(self, *ids: str) -> None:
        self.ids = list(ids)
        self.end: int | None = None
        self.read_errors: list[BaseException] = []
        self.ends_errors: list[BaseException] = []
        self.open_errors: list[Exception] = []
        self.opened = 0
        self.grown = False
        self.halted = False


class PlayedSource(Source):
    def __init__(self, log: Log) -> None:
        self._log = log
        self._next = 0

    async def seek(self, known: Mapping[TopicPartition, int], latest_ms: Mapping[TopicPartition, int]) -> Any:
        assert set(latest_ms) <= {PARTITION}
        self._next = known.get(PARTITION, 0)
        return {PARTITION: self._next}

    async def check(self, known: Mapping[TopicPartition, int], latest_ms: Mapping[TopicPartition, int]) -> None:
        assert set(latest_ms) <= set(known) == {PARTITION}

    async def read(self) -> Any:
        await asyncio.sleep(0.001)
        if self._log.read_errors:
            raise self._log.read_errors.pop(0)
        if self._log.halted or self._next >= len(self._log.ids):
            return {}
        found = record(self._next, self._log.ids[self._next])
        self._next += 1
        return {PARTITION: [found]}

    async def positions(self) -> Any:
        return {PARTITION: self._next}

    async def ends(self) -> Any:
        if self._log.ends_errors:
            raise self._log.ends_errors.pop(0)
        return {PARTITION: len(self._log.ids) if self._log.end is None else self._log.end}

    def outgrown(self) -> bool:
        grown, self._log.grown = self._log.grown, False
        return grown


@asynccontextmanager
async def following(log: Log) -> AsyncIterator[tuple[RollFollower, PropertyRoll]]:
    @asynccontextmanager
    async def play(_topics: Topics, _options: Mapping[str, Any]) -> AsyncIterator[Source]:
        if log.open_errors:
            raise log.open_errors.pop(0)
        log.opened += 1
        yield PlayedSource(log)

    roll = PropertyRoll()
    follower = RollFollower(roll, ServingModels(), TABLE, {}, check_seconds=0.01, wall_ms=lambda: 5, open_source=play)
    await follower.start()
    try:
        async with asyncio.timeout(10):
            yield follower, roll
    finally:
        await follower.stop()


def ids(roll: PropertyRoll) -> list[str]:
    county = roll.county("BENTON")
    return [] if county is None else sorted(county.property_ids())


async def test_whoever_waits_through_a_replacement_waits_for_the_new_topics() -> None:
    log = Log("P1", "P2")
    async with following(log) as (follower, roll):
        await follower.wait_ready()
        log.end = 50
        waiting = asyncio.create_task(follower.catch_up())
        await asyncio.sleep(0.05)  # the answer "50" has come, and will never be reached
        assert not waiting.done()
        log.ids, log.end = ["Q1"], None
        log.read_errors.append(OffsetOutOfRangeError({PARTITION: 2}))
        await waiting
        await follower.wait_ready()
        assert ids(roll) == ["Q1"]


async def test_readers_keep_the_old_roll_until_the_new_one_is_whole() -> None:
    log = Log("P1")
    async with following(log) as (follower, roll):
        await follower.wait_ready()
        log.halted, log.ids = True, ["Q1"]
        log.read_errors.append(PositionsLost("another cluster"))
        await asyncio.sleep(0.2)  # the follower is back, and held
        assert not follower.ready
        assert ids(roll) == ["P1"]
        log.halted = False
        await follower.wait_ready()
        assert ids(roll) == ["Q1"]


@pytest.mark.parametrize("error", [KafkaConnectionError("away"), TopicsMissing("no topic"), OSError("no route")])
async def test_an_outage_is_waited_out_and_reading_goes_on_where_it_was(error: Exception) -> None:
    log = Log("P1")
    log.open_errors.append(error)
    async with following(log) as (follower, roll):
        await follower.wait_ready()
        log.read_errors.append(KafkaConnectionError("gone"))
        log.ids[0] = "never read again"
        log.ids.append("P2")
        await follower.catch_up()
        assert ids(roll) == ["P1", "P2"]
        assert log.opened == 2


async def test_a_question_that_kafka_does_not_answer_is_asked_again() -> None:
    log = Log("P1")
    async with following(log) as (follower, roll):
        await follower.wait_ready()
        log.ends_errors.append(KafkaConnectionError("gone"))
        log.ids.append("P2")
        await follower.catch_up()
        assert ids(roll) == ["P1", "P2"]


@pytest.mark.parametrize("where", ["read_errors", "ends_errors"])
async def test_a_request_that_a_broken_connection_cancels_does_not_end_the_follower(where: str) -> None:
    log = Log("P1")
    async with following(log) as (follower, roll):
        await follower.wait_ready()
        getattr(log, where).append(asyncio.CancelledError())
        log.ids.append("P2")
        await follower.catch_up()
        assert ids(roll) == ["P1", "P2"]


async def test_new_partitions_are_taken_up_by_connecting_anew() -> None:
    log = Log("P1")
    async with following(log) as (follower, _):
        await follower.wait_ready()
        log.grown = True
        while log.opened < 2:  # noqa: ASYNC110 - bounded by the timeout around it
            await asyncio.sleep(0.01)
        assert follower.ready


async def test_stopping_cancels_whoever_waits() -> None:
    log = Log()
    async with following(log) as (follower, _):
        await follower.wait_ready()
        log.end = 9
        waiting = asyncio.create_task(follower.catch_up())
        await asyncio.sleep(0.05)  # it waits
        await follower.stop()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(asyncio.CancelledError):
            await follower.catch_up()
        assert follower.failure is None


async def test_a_caller_that_gives_up_disturbs_nobody() -> None:
    log = Log("P1")
    async with following(log) as (follower, _):
        await follower.wait_ready()
        log.end = 2
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(follower.catch_up(), 0.05)
        log.ids.append("P2")
        await follower.catch_up()
