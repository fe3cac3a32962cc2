"""What a lane remembers of its partition, and how it reads back what it does not."""

import asyncio

import pytest

from processor.dedupe import Sightings
from processor.lanes.history import Memory, remember
from tests.fakes import FakeKafka
from tests.unit.processor.lane_workers import Topic, job, requests
from tests.unit.processor.virtual_time import run_virtually


def _remembered(values: list[bytes | None], memory: Memory, beginning: int, start: int) -> list[int]:
    """Return the offsets that were fetched."""
    topic = FakeKafka(values, beginning=beginning)
    run_virtually(remember(memory, topic.feed(), beginning, start))
    assert memory.settled == start
    return topic.fetched


def test_only_what_is_not_remembered_is_read() -> None:
    memory = Memory(100)
    _remembered(requests(0, 10), memory, 0, 10)
    assert len(memory.window) == 10
    assert min(_remembered(requests(0, 20), memory, 0, 20)) == 10
    assert len(memory.window) == 20
    assert _remembered(requests(0, 20), memory, 20, 20) == []
    assert len(memory.window) == 20


def test_what_is_no_request_takes_no_place_in_a_window_that_is_read_back() -> None:
    memory = Memory(2)
    nothing: list[bytes | None] = [b'{"property_id":1}', b"garbage"]
    _remembered([*requests(0, 2), *nothing], memory, 0, 4)
    assert Sightings(memory.window).enter(0, [job(0), job(1)]) == [0, 1]


@pytest.mark.parametrize("turns", range(1, 12))
def test_an_interrupted_reading_enters_no_request_twice(turns: int) -> None:
    memory = Memory(6)
    topic = Topic(requests(0, 8))

    async def interrupted() -> None:
        await remember(memory, topic.feed(), 0, 3)
        reading = asyncio.ensure_future(remember(memory, topic.feed(), 0, 8))
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait({reading})
        await remember(memory, topic.feed(), 0, 8)

    run_virtually(interrupted())
    last_six = [job(number) for number in range(2, 8)]
    assert Sightings(memory.window).enter(0, last_six) == list(range(6))


@pytest.mark.parametrize(("settled", "beginning", "start"), [(15, 0, 12), (3, 5, 12)])
def test_what_the_log_no_longer_bears_out_is_forgotten(settled: int, beginning: int, start: int) -> None:
    memory = Memory(100)
    _remembered(requests(50, 20), memory, 0, settled)
    fetched = _remembered(requests(0, 20), memory, beginning, start)
    assert min(fetched) == beginning
    assert len(memory.window) == start - beginning


def test_the_window_is_filled_past_records_that_are_no_requests() -> None:
    memory = Memory(4)
    _remembered([*requests(0, 40), *[b"garbage"] * 30], memory, 0, 70)
    assert len(memory.window) == 4
    memory = Memory(4)
    assert min(_remembered(requests(0, 70), memory, 0, 70)) == 66
