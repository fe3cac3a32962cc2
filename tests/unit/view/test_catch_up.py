"""Catching up: nobody is served by a look at the ends that left before the call; nobody hangs when Kafka is away."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from producer.acknowledged import Acknowledged
from producer.store.base import Place
from producer.view.catchup import CatchUp
from producer.view.errors import LogUnavailable

HERE: Place = ("requests", 0)


class Ends:
    """Answers when told to; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.end = 0
        self.away = False
        self.answer = asyncio.Event()
        self.answer.set()

    async def __call__(self) -> Mapping[Place, int]:
        self.asked += 1
        end = self.end
        await self.answer.wait()
        if self.away:
            raise LogUnavailable("away")
        return {HERE: end}


@dataclass(frozen=True, slots=True)
class Answer:
    offset: int


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_empty_topic_is_caught_up_at_once() -> None:
    assert await CatchUp(Ends()).wait(1)


async def test_a_wait_ends_when_the_view_reaches_the_end_and_not_before() -> None:
    ends = Ends()
    ends.end = 5
    catch_up = CatchUp(ends)
    waiting = asyncio.create_task(catch_up.wait(5))
    await settle()
    catch_up.advance({HERE: 4})
    await settle()
    assert not waiting.done()
    catch_up.advance({HERE: 5})
    assert await waiting


async def test_those_who_ask_before_a_look_leaves_share_it_and_a_later_one_gets_another() -> None:
    ends = Ends()
    catch_up = CatchUp(ends)
    ends.answer.clear()
    early = [asyncio.create_task(catch_up.wait(5)) for _ in range(100)]
    await settle()
    assert ends.asked == 1
    ends.end = 3
    late = [asyncio.create_task(catch_up.wait(5)) for _ in range(100)]
    await settle()
    ends.answer.set()
    assert all(await asyncio.gather(*early))
    await settle()
    assert not any(task.done() for task in late)
    catch_up.advance({HERE: 3})
    assert all(await asyncio.gather(*late))
    assert ends.asked == 2


async def test_time_is_up_while_kafka_is_away_and_a_later_wait_succeeds() -> None:
    ends = Ends()
    ends.away = True
    catch_up = CatchUp(ends)
    assert not await catch_up.wait(0.02)
    ends.away = False
    assert await catch_up.wait(5)


async def test_a_short_outage_is_waited_out() -> None:
    ends = Ends()
    ends.away = True
    catch_up = CatchUp(ends)
    waiting = asyncio.create_task(catch_up.wait(5))
    await settle()
    ends.away = False
    assert await waiting


async def test_nobody_asks_the_brokers_when_nobody_waits_any_more() -> None:
    ends = Ends()
    ends.away = True
    catch_up = CatchUp(ends)
    await catch_up.wait(0.02)
    await asyncio.sleep(0.12)
    asked = ends.asked
    await asyncio.sleep(0.12)
    assert ends.asked == asked


async def test_beginning_anew_at_lower_positions_is_not_caught_up() -> None:
    ends = Ends()
    ends.end = 5
    catch_up = CatchUp(ends)
    catch_up.begin({HERE: 5})
    assert await catch_up.wait(1)
    catch_up.begin({HERE: 0})
    assert not await catch_up.wait(0.02)


async def test_what_kafka_has_acknowledged_to_this_gateway_counts_where_a_broker_names_an_earlier_end() -> None:
    ends, acknowledged = Ends(), Acknowledged()
    ends.end = 5
    catch_up = CatchUp(ends, acknowledged)
    catch_up.advance({HERE: 5})
    acknowledged.note(*HERE, Answer(5), records=3)
    waiting = asyncio.create_task(catch_up.wait(5))
    await settle()
    catch_up.advance({HERE: 7})
    await settle()
    assert not waiting.done()
    catch_up.advance({HERE: 8})
    assert await waiting


async def test_what_was_acknowledged_by_other_topics_of_that_name_is_waited_for_no_more() -> None:
    acknowledged = Acknowledged()
    catch_up = CatchUp(Ends(), acknowledged)
    acknowledged.note(*HERE, Answer(5), records=3)
    assert not await catch_up.wait(0.02)
    catch_up.forget()
    assert await catch_up.wait(5)


def test_an_earlier_batch_and_one_that_had_been_written_before_move_no_end() -> None:
    acknowledged = Acknowledged()
    acknowledged.note(*HERE, Answer(40), records=2)
    acknowledged.note(*HERE, Answer(10), records=2)
    acknowledged.note(*HERE, Answer(-1), records=1_000)
    assert acknowledged.reach({HERE: 7, ("requests", 1): 7}) == {HERE: 42, ("requests", 1): 7}
    assert acknowledged.reach({HERE: 50}) == {HERE: 50}
