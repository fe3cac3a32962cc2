"""A few lanes commit at a time, in the order they asked, and one that is stuck holds nobody up."""

import asyncio
from collections.abc import Sequence

import pytest

from processor.lanes.turns import Turns


async def _take_turns(turns: Turns, names: Sequence[str]) -> tuple[list[str], int]:
    """Let everybody have a turn at once; return the order in which they had it, and how many had it together."""
    order: list[str] = []
    together = [0, 0]

    async def one(name: str) -> None:
        async with turns.turn():
            order.append(name)
            together[0] += 1
            together[1] = max(together)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            together[0] -= 1

    await asyncio.gather(*map(one, names))
    return order, together[1]


async def test_so_many_have_a_turn_at_once_and_the_others_wait_in_line() -> None:
    order, together = await _take_turns(Turns(3, 60.0), "abcdefghijkl")
    assert order == list("abcdefghijkl")
    assert together == 3


async def test_a_turn_that_takes_too_long_ends_for_the_others_and_is_given_back_once() -> None:
    turns = Turns(1, 0.01)
    async with asyncio.timeout(5), turns.turn(), turns.turn():
        pass
    assert (await _take_turns(turns, "abc"))[1] == 1


async def test_a_turn_ends_with_an_error_too() -> None:
    turns = Turns(1, 60.0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(5), turns.turn():
                _ = 1 / 0
