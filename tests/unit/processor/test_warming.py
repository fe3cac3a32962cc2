"""Engines are tried before requests come: those known at the start, and those that come later, each once a model."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from threading import Event, current_thread, main_thread

import pytest

from processor.roll.sales import no_sales
from processor.valuation.frame import Engine, InsufficientData, Sales, Subjects
from processor.warming import Warming
from tests.unit.valuation.counties import county
from tests.waiting import holds


@dataclass(slots=True)
class _Engine:
    county_id: str
    version: str = "v"
    asked: list[Subjects] = field(default_factory=list)
    in_main_thread: bool = False

    def value(self, subjects: Subjects) -> list[bytes | InsufficientData]:
        self.asked.append(subjects)
        self.in_main_thread = current_thread() is main_thread()
        if self.county_id == "BROKEN":
            raise ValueError("no kernel for this county")
        return [b"{}"] * len(subjects)


@dataclass(slots=True)
class _Counties:
    counties: dict[str, Sales]
    models: dict[str, str] = field(default_factory=dict)
    engines: dict[str, _Engine] = field(default_factory=dict)

    def sizes(self) -> dict[str, int]:
        return {county_id: len(sales) for county_id, sales in self.counties.items()}

    def sales(self, county_id: str) -> Sales:
        if county_id == "UNREADABLE":
            raise ValueError("columns of different lengths")
        return self.counties[county_id]

    def engine(self, county_id: str) -> Engine | None:
        if county_id == "UNSOLD":
            return None
        return self.engines.setdefault(county_id, _Engine(county_id))

    def warming(self) -> Warming:
        return Warming(self, self, lambda: self.models, look_seconds=0.001)

    def asked(self, county_id: str) -> int:
        return len(self.engines[county_id].asked) if county_id in self.engines else 0


@pytest.fixture(scope="module")
def sales() -> Sales:
    return county(40).sales


@asynccontextmanager
async def _kept_warm(known: _Counties) -> AsyncIterator[None]:
    warming = known.warming()
    keeping = asyncio.create_task(warming.keep())
    try:
        await asyncio.wait_for(warming.wait_done(), 10)
        yield
        assert not keeping.done(), "it ended by itself"
    finally:
        warming.stop()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _asked(known: _Counties, county_id: str, times: int) -> bool:
    async def enough() -> bool:
        return known.asked(county_id) >= times

    return await holds(enough, 10)


def test_every_engine_values_the_property_sold_last_on_the_day_after(sales: Sales) -> None:
    known = _Counties({"A": sales, "B": sales})
    assert known.warming().warm_up() == 2
    (asked,) = known.engines["A"].asked
    assert list(asked.property_id) == [sales.property_id[-1]]
    assert asked.day.tolist() == [sales.day[-1] + 1]


def test_a_county_that_fails_keeps_no_other_from_being_tried(sales: Sales) -> None:
    known = _Counties({"BROKEN": sales, "UNREADABLE": sales, "UNSOLD": sales, "Z": sales})
    warming = known.warming()
    assert warming.warm_up() == 1
    assert known.engines["Z"].asked
    assert warming.due() == [], "a county that fails is not tried every second"


def test_the_largest_counties_come_first_and_no_more_than_a_handful(sales: Sales) -> None:
    small = county(10).sales
    known = _Counties({**{f"A{at:02}": small for at in range(20)}, "Z": sales})
    assert known.warming().warm_up() == 16
    assert next(iter(known.engines)) == "Z"


def test_nothing_more_is_made_once_stopped(sales: Sales) -> None:
    known = _Counties({"A": sales})
    warming = known.warming()
    warming.stop()
    assert warming.warm_up() == 0
    assert not known.engines


def test_a_county_is_tried_once_and_again_only_when_another_model_is_announced(sales: Sales) -> None:
    known = _Counties({"A": sales, "BROKEN": sales, "UNSOLD": sales}, {"A": "first"})
    warming = known.warming()
    assert warming.due() == ["A", "BROKEN", "UNSOLD"]
    assert warming.warm_up() == 1
    assert (warming.due(), warming.warm_up()) == ([], 0)
    known.models["A"] = "second"
    assert warming.due() == ["A"]
    assert warming.warm_up() == 1
    del known.models["A"]
    assert warming.due() == ["A"], "what serves a county whose model was withdrawn is another engine"


def test_a_county_whose_sales_come_after_its_model_is_tried_when_they_are_there(sales: Sales) -> None:
    known = _Counties({"A": no_sales()}, {"A": "first"})
    warming = known.warming()
    assert warming.warm_up() == 0
    known.counties["A"] = sales
    assert warming.warm_up() == 1


async def test_what_is_known_at_the_start_is_tried_before_it_is_done(sales: Sales) -> None:
    known = _Counties({"A": sales})
    assert not known.warming().done
    async with _kept_warm(known):
        assert known.asked("A") == 1


async def test_nothing_known_is_nothing_to_wait_for() -> None:
    async with _kept_warm(_Counties({})):
        pass


async def test_a_county_that_comes_later_is_tried_beside_the_work(sales: Sales) -> None:
    known = _Counties({"A": sales})
    async with _kept_warm(known):
        known.counties["LATE"] = sales
        assert await _asked(known, "LATE", 1)
        assert not known.engines["LATE"].in_main_thread, "the event loop stood still meanwhile"
    assert known.asked("A") == 1


async def test_a_model_announced_later_is_tried_also_after_a_county_that_fails(sales: Sales) -> None:
    known = _Counties({"A": sales})
    async with _kept_warm(known):
        known.counties.update({"BROKEN": sales, "UNREADABLE": sales})
        assert await _asked(known, "BROKEN", 1)
        known.models["A"] = "second"
        assert await _asked(known, "A", 2)
    assert known.asked("BROKEN") == 1, "what fails is not tried every second"


async def test_stopping_leaves_what_is_not_begun(sales: Sales) -> None:
    held, entered = Event(), Event()

    class _Slow(_Counties):
        def engine(self, county_id: str) -> Engine | None:
            entered.set()
            assert held.wait(10)
            return super().engine(county_id)

    known = _Slow({"A": sales, "B": sales})
    warming = known.warming()
    keeping = asyncio.create_task(warming.keep())
    await asyncio.to_thread(entered.wait, 10)
    warming.stop()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert not warming.done
    held.set()
    assert await _asked(known, "A", 1)
    await asyncio.get_running_loop().shutdown_default_executor()
    assert known.asked("B") == 0
