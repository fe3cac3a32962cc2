"""Every batch on the desk is answered, or its lane learns that it never will be."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from processor.agent import Desk, Valuer, answer_batches
from processor.batch import Batch
from processor.errors import AgentGone
from processor.pace import Pace
from tests.fakes import FakeEngine, FakeRecord, FakeRoll, batch_of, collaborators, request_value
from tests.rows import read_event


class _Queue:
    """A channel in memory."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Batch | None] = asyncio.Queue()

    async def put(self, value: Batch | None) -> None:
        await self.queue.put(value)

    async def stream(self) -> AsyncIterator[Batch]:
        while (batch := await self.queue.get()) is not None:
            yield batch


def _pace() -> Pace:
    return Pace(max_records=8_000, batch_seconds=0.15)


def _batch(*names: str) -> Batch:
    return batch_of([FakeRecord(at, request_value(name)) for at, name in enumerate(names)])


@pytest.mark.parametrize("threads", [0, 1])
async def test_a_batch_comes_back_valued_in_a_thread_or_without(threads: int) -> None:
    using = collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine())
    thread = ThreadPoolExecutor(1) if threads else None
    channel = _Queue()
    desk = Desk(channel)
    agent = asyncio.create_task(
        answer_batches(channel.stream(), Valuer(using, FakeRoll().catch_up, _pace(), thread), desk)
    )
    outcomes = await desk.submit(_batch(*["P1"] * 2_500))
    assert len(outcomes.results) == 2_500
    offsets = [read_event(row)["job_id"] for row in outcomes.results]
    assert len(set(offsets)) == 2_500
    await channel.put(None)
    await agent


async def test_a_property_on_its_way_is_waited_for_and_the_others_are_not_held_up() -> None:
    roll = FakeRoll.of("BENTON", "P1")
    arrived = asyncio.Event()

    async def catch_up() -> None:
        await arrived.wait()
        await roll.catch_up()

    roll.on_its_way[("BENTON", "P2")] = {}
    channel = _Queue()
    desk = Desk(channel)
    valuer = Valuer(collaborators(roll, FakeEngine()), catch_up, _pace(), None)
    agent = asyncio.create_task(answer_batches(channel.stream(), valuer, desk))
    late = asyncio.create_task(desk.submit(_batch("P1", "P2", "P3")))
    quick = await desk.submit(_batch("P1"))
    assert len(quick.results) == 1
    assert not late.done()
    arrived.set()
    outcomes = await late
    assert dict(outcomes.tally) == {("BENTON", None): 2, ("BENTON", "property_not_found"): 1}
    assert roll.caught_up == 1
    await channel.put(None)
    await agent


async def test_what_the_handler_raises_reaches_the_lane_and_spares_the_agent() -> None:
    engine = FakeEngine(raises={"P1": MemoryError()})
    channel = _Queue()
    desk = Desk(channel)
    valuer = Valuer(collaborators(FakeRoll.of("BENTON", "P1", "P2"), engine), FakeRoll().catch_up, _pace(), None)
    agent = asyncio.create_task(answer_batches(channel.stream(), valuer, desk))
    with pytest.raises(MemoryError):
        await desk.submit(_batch("P1"))
    assert len((await desk.submit(_batch("P2"))).results) == 1
    await channel.put(None)
    await agent


async def test_what_keeps_the_roll_from_catching_up_reaches_the_lane() -> None:
    async def fail() -> None:
        raise ConnectionError("away")

    channel = _Queue()
    desk = Desk(channel)
    valuer = Valuer(collaborators(FakeRoll(), FakeEngine()), fail, _pace(), None)
    agent = asyncio.create_task(answer_batches(channel.stream(), valuer, desk))
    with pytest.raises(ConnectionError):
        await desk.submit(_batch("P1"))
    await channel.put(None)
    await agent


async def test_when_the_agent_returns_whoever_waits_learns_of_it() -> None:
    channel = _Queue()
    desk = Desk(channel)

    async def nothing() -> AsyncIterator[Batch]:
        await channel.queue.get()
        for batch in list[Batch]():
            yield batch

    valuer = Valuer(collaborators(FakeRoll(), FakeEngine()), FakeRoll().catch_up, _pace(), None)
    agent = asyncio.create_task(answer_batches(nothing(), valuer, desk))
    with pytest.raises(AgentGone, match="the agent returned"):
        await desk.submit(_batch("P1"))
    with pytest.raises(AgentGone, match="the agent returned"):
        await desk.submit(_batch("P1"))
    await agent


async def test_when_the_agent_dies_whoever_waits_learns_of_it() -> None:
    channel = _Queue()
    desk = Desk(channel)

    async def broken() -> AsyncIterator[Batch]:
        batch = await channel.queue.get()
        if batch is not None:
            raise RuntimeError("stream broke")
        yield _batch()

    valuer = Valuer(collaborators(FakeRoll(), FakeEngine()), FakeRoll().catch_up, _pace(), None)
    agent = asyncio.create_task(answer_batches(broken(), valuer, desk))
    with pytest.raises(AgentGone, match="stream broke"):
        await desk.submit(_batch("P1"))
    with pytest.raises(RuntimeError):
        await agent


async def test_a_batch_that_nobody_takes_is_not_waited_for_in_vain() -> None:
    desk = Desk(_Queue(), unanswered_seconds=0.05)
    with pytest.raises(AgentGone, match="not answered"):
        await desk.submit(_batch("P1"))


async def test_an_answer_to_a_lane_that_has_gone_is_no_error() -> None:
    batch = _batch("P1")
    batch.answer.cancel()
    batch.fail(ValueError())
    assert batch.answer.cancelled()


def test_batches_grow_as_requests_turn_out_cheap_and_shrink_as_they_turn_out_dear() -> None:
    pace = _pace()
    assert pace.batch == 256
    for _ in range(30):
        pace.observe(256, 256 * 5e-6)
    assert pace.batch == 8_000
    for _ in range(30):
        pace.observe(2_000, 2_000 * 100e-6)
    assert 1_300 < pace.batch < 1_700
    for _ in range(30):
        pace.observe(100, 100.0)
    assert pace.batch == 64


def test_one_slow_request_says_little_about_the_next() -> None:
    pace = _pace()
    for _ in range(30):
        pace.observe(1_000, 1_000 * 70e-6)
    before = pace.batch
    pace.observe(1, 70e-6 * 20)
    assert pace.batch > 0.9 * before
