"""More requests than can be answered soon: the rest is turned away at once, cheaply, and nothing else suffers."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.server import Limits
from producer.settings import GatewaySettings
from producer.shedding import OVERLOADED, Gate, lacking
from tests.unit.gateway.conftest import RUN, Served, serving
from tests.waiting import holds

_MOST = 3
_BODY = b'{"property_id":"P","county_id":"BENTON"}'


def request(*fields: bytes, body: bytes = _BODY, path: str = RUN) -> bytes:
    head = [b"POST %b HTTP/1.1" % path.encode(), b"Host: x", b"Content-Type: application/json", *fields]
    return b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"", body])


@dataclass(frozen=True, slots=True)
class Line:
    """One caller's connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        self.writer.write(data)
        return await self.answer()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        async with asyncio.timeout(5):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            headers = dict(line.lower().split(": ", 1) for line in lines if line)
            body = await self.reader.readexactly(int(headers["content-length"]))
        return int(first.split()[1]), headers, body


@asynccontextmanager
async def lines(served: Served, count: int) -> AsyncIterator[list[Line]]:
    async with AsyncExitStack() as held:
        made = []
        for _ in range(count):
            line = Line(*await asyncio.open_connection("127.0.0.1", served.port))
            held.callback(line.writer.close)
            made.append(line)
        yield made


@pytest.fixture
def settings() -> GatewaySettings:
    return GatewaySettings(gateway_publish_seconds=20.0)


@pytest.fixture
async def busy(settings: GatewaySettings) -> AsyncIterator[tuple[Served, list[Line]]]:
    """A gateway that has in hand as much as it takes, since Kafka does not answer, and a few more callers."""
    async with serving(settings, Limits(runs=_MOST)) as served, lines(served, _MOST + 3) as callers:
        served.kafka.hanging = True
        for line in callers[:_MOST]:
            line.writer.write(request())
        assert await _in_hand(served, _MOST)
        yield served, callers


async def _in_hand(served: Served, count: int) -> bool:
    async def so_many() -> bool:
        return served.gateway.metrics.requests_in_flight == count

    return await holds(so_many, 2)


async def test_one_too_many_is_told_at_once_to_come_again(busy: tuple[Served, list[Line]]) -> None:
    served, (*_, late, _, _) = busy
    begun = time.monotonic()
    status, headers, body = await late.ask(request())
    assert (status, headers["retry-after"], headers["content-type"]) == (503, "1", "application/problem+json")
    assert (orjson.loads(body)["title"], orjson.loads(body)["status"]) == ("Overloaded", 503)
    assert time.monotonic() - begun < 0.5
    assert not served.kafka.log


async def test_who_was_turned_away_is_served_on_the_same_connection_later(busy: tuple[Served, list[Line]]) -> None:
    served, (*first, late, _, _) = busy
    for _ in range(5):
        assert (await late.ask(request()))[0] == 503
    served.kafka.come_back()
    assert [(await line.answer())[0] for line in first] == [202] * _MOST
    assert (await late.ask(request()))[0] == 202
    assert len(served.kafka.records(served.requests)) == _MOST + 1


async def test_everything_else_is_answered_as_ever(busy: tuple[Served, list[Line]]) -> None:
    _, (*_, late, _, _) = busy
    status, _, _ = await late.ask(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status == 200
    assert (await late.ask(request(body=b"{")))[0] == 503
    assert (await late.ask(request(path="/api/v1/valuation/batch", body=b"{")))[0] == 400


async def test_what_was_turned_away_is_counted(busy: tuple[Served, list[Line]]) -> None:
    served, (*_, late, _, _) = busy
    for _ in range(7):
        await late.ask(request())
    page = await (await served.client.get("/metrics")).text()
    assert f'gateway_http_requests_total{{endpoint="{RUN}",http_status="503",method="POST"}} 7.0' in page


async def test_who_leaves_makes_room(busy: tuple[Served, list[Line]]) -> None:
    served, (first, *_, late, _, _) = busy
    first.writer.close()
    assert await _in_hand(served, _MOST)  # what was begun for who has left is brought to its end

    async def taken() -> bool:
        late.writer.write(request())
        return await _in_hand(served, _MOST + 1)

    assert await holds(taken, 5)


async def test_who_waits_for_a_result_takes_nobodys_place(settings: GatewaySettings) -> None:
    async with serving(settings, Limits(runs=1)) as served, lines(served, 3) as (first, second, other):
        for line in (first, second):
            line.writer.write(request(b"Prefer: wait=20"))
        assert await _in_hand(served, 2)
        assert (await other.ask(request()))[0] == 202


async def test_a_kafka_that_stands_still_leaves_no_more_behind_however_much_is_asked() -> None:
    async with serving(GatewaySettings(gateway_publish_seconds=0.3)) as served:
        served.kafka.hanging = True
        held = []
        for _ in range(25):
            asked = [served.client.post(RUN, json={"property_id": "P", "county_id": "B"}) for _ in range(30)]
            assert {answer.status for answer in await asyncio.gather(*asked)} == {503}
            held.append(served.gateway.publisher.in_flight)
        assert 0 < held[5] == held[-1]


async def test_a_body_that_comes_after_its_head_is_turned_away_with_it(busy: tuple[Served, list[Line]]) -> None:
    served, (*first, late, _, _) = busy
    head, _, body = request().partition(b"\r\n\r\n")
    assert (await late.ask(head + b"\r\n\r\n"))[0] == 503
    late.writer.write(body[:7])
    await late.writer.drain()
    served.kafka.come_back()
    assert [(await line.answer())[0] for line in first[:_MOST]] == [202] * _MOST
    assert (await late.ask(body[7:] + request()))[0] == 202


async def test_a_request_in_pieces_is_in_hand_once_it_is_whole(settings: GatewaySettings) -> None:
    async with serving(settings, Limits(runs=1)) as served, lines(served, 2) as (slow, quick):
        served.kafka.hanging = True
        head, _, body = request().partition(b"\r\n\r\n")
        slow.writer.write(head + b"\r\n\r\n" + body[:5])
        assert await _in_hand(served, 1)
        served.kafka.come_back()
        assert (await quick.ask(request()))[0] == 202
        served.kafka.hanging = True
        slow.writer.write(body[5:])

        async def full() -> bool:
            return (await quick.ask(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 200 and bool(served.kafka.waiting)

        assert await holds(full, 5)
        assert (await quick.ask(request()))[0] == 503


@given(st.integers(len(request()) - len(_BODY), len(request())))
def test_a_beginning_lacks_the_rest(length: int) -> None:
    assert lacking(request()[:length]) == len(request()) - length


@given(st.integers(0, len(request()) - len(_BODY) - 1))
def test_without_its_whole_head_nothing_can_be_said_of_a_request(length: int) -> None:
    assert lacking(request()[:length]) is None


@given(st.binary(max_size=300))
def test_anything_at_all_can_be_asked_about(data: bytes) -> None:
    assert lacking(request(body=data)) == 0
    assert lacking(data) is None
    assert lacking(request() + data) == (None if data else 0)


@pytest.mark.parametrize(
    "data",
    [
        b"POST /api/v1/valuation/run HTTP/1.1\r\nHost: x\r\n\r\n",
        request(path="/api/v1/valuation/runs"),
        request(b"Connection: close"),
        request(b"Prefer: wait=5"),
        request().replace(b"Length: ", b"Length: -"),
        request().replace(b"Length: ", b"Length: 9999999"),
        request().replace(b"Content-Length", b"Transfer-Encoding"),
    ],
)
def test_what_the_application_must_judge_is_none(data: bytes) -> None:
    assert lacking(data) is None


@dataclass
class Clock:
    """A clock that is set by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def _answer(gate: Gate, clock: Clock, *, seconds: float, per_second: float) -> None:
    """Answer at a rate for a while, under a load that is greater than it."""
    for _ in range(int(seconds * per_second)):
        clock.now += 1 / per_second
        gate.leave()
        _fill(gate)


def _fill(gate: Gate) -> int:
    """Take in hand what can be, and return how many are."""
    while not gate.full:
        gate.enter()
    return gate.in_hand


def test_a_sudden_crowd_is_taken_whole() -> None:
    assert _fill(Gate(2000, Clock())) == 2000


@pytest.mark.parametrize(("per_second", "in_hand"), [(400, 200), (1000, 500), (10_000, 2000), (30, 128)])
def test_under_lasting_overload_those_in_hand_wait_half_a_second(per_second: float, in_hand: int) -> None:
    clock = Clock()
    gate = Gate(2000, clock)
    _fill(gate)
    _answer(gate, clock, seconds=90, per_second=per_second)
    assert gate.in_hand == pytest.approx(in_hand, abs=12)


def test_after_an_overload_a_crowd_is_taken_again() -> None:
    clock = Clock()
    gate = Gate(2000, clock)
    _fill(gate)
    _answer(gate, clock, seconds=10, per_second=1000)
    while gate.in_hand:
        clock.now += 0.001
        gate.leave()
    for _ in range(500):  # a few at a time
        clock.now += 0.01
        gate.enter()
        gate.leave()
    assert _fill(gate) == 2000


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300), st.floats(0, 1)), max_size=40))
def test_never_are_there_more_in_hand_than_the_most(steps: list[tuple[int, int, float]]) -> None:
    clock = Clock()
    gate = Gate(500, clock)
    for come, go, seconds in steps:
        clock.now += seconds
        for _ in range(come):
            if not gate.full:
                gate.enter()
        assert gate.in_hand <= 500
        for _ in range(min(go, gate.in_hand)):
            gate.leave()
    assert gate.in_hand >= 0


def test_the_answer_that_was_written_before_is_whole() -> None:
    head, _, body = OVERLOADED.partition(b"\r\n\r\n")
    assert b"\r\nContent-Length: %d\r\n" % len(body) in head
    assert b"\r\nServer: TerraFusion\r\n" in head
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in head
