"""The budget bounds the records in hand over all lanes, and nobody waits for ever."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from processor.lanes.budget import Budget


@given(
    total=st.integers(1, 50),
    lanes=st.lists(st.lists(st.integers(1, 80), min_size=1, max_size=8), min_size=1, max_size=8),
)
def test_no_more_than_the_total_is_ever_in_hand_and_everybody_gets_on(total: int, lanes: list[list[int]]) -> None:
    in_hand = 0

    async def lane(budget: Budget, wants: list[int]) -> None:
        nonlocal in_hand
        for wanted in wants:
            granted = await budget.take(wanted)
            assert 1 <= granted <= wanted
            in_hand += granted
            assert in_hand <= total
            await asyncio.sleep(0)
            in_hand -= granted
            budget.give(granted)

    async def run() -> None:
        budget = Budget(total)
        async with asyncio.timeout(5):
            await asyncio.gather(*(lane(budget, wants) for wants in lanes))
        assert budget.free == total

    asyncio.run(run())


async def test_one_who_gives_up_waiting_passes_the_turn_on() -> None:
    budget = Budget(1)
    await budget.take(1)
    first, second = (asyncio.create_task(budget.take(1)) for _ in range(2))
    await asyncio.sleep(0)
    budget.give(1)
    first.cancel()
    async with asyncio.timeout(1):
        assert await second == 1


async def test_what_is_enough_for_now_bounds_the_budget_too() -> None:
    enough = 10
    budget = Budget(100, lambda: enough)
    assert await budget.take(50) == 10
    assert budget.free == 0
    enough = 30
    assert await budget.take(50) == 20
    enough = 5
    budget.give(20)
    waiting = asyncio.create_task(budget.take(50))
    await asyncio.sleep(0)
    assert not waiting.done()
    budget.give(10)
    assert await waiting == 5
