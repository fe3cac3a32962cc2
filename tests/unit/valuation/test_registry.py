import threading
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from processor.valuation.frame import Engine, InsufficientData, Sales, Subjects
from processor.valuation.registry import EngineRegistry
from tests.unit.valuation.counties import county, first

POOL = county(100).sales


@dataclass
class FakeEngine:
    county_id: str
    version: str

    def value(self, subjects: Subjects) -> list[bytes | InsufficientData]:
        return [self.version.encode()] * len(subjects)


@dataclass
class World:
    """Sales, a clock, and a maker of engines that takes as long as it is told to."""

    sales: dict[str, Sales] = field(default_factory=dict)
    now: float = 0.0
    takes: float = 0.1
    built: list[str] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    broken: bool = False
    trained: dict[str, Engine] = field(default_factory=dict)

    def registry(self) -> EngineRegistry:
        self.hold.set()
        return EngineRegistry(self.pool, trained=self.trained.get, build=self.build, elapsed=lambda: self.now)

    def pool(self, county_id: str) -> Sales:
        return self.sales.get(county_id, first(POOL, 0))

    def build(self, county_id: str, sales: Sales) -> Engine:
        self.hold.wait(10)
        if self.broken:
            raise ValueError("no engine today")
        self.now += self.takes
        self.built.append(sales.version)
        return FakeEngine(county_id, sales.version)

    def grow(self, county_id: str, count: int, version: str | None = None) -> None:
        self.sales[county_id] = replace(first(POOL, count), version=version or f"v{count}")


@pytest.fixture
def world() -> World:
    return World()


def serving(registry: EngineRegistry, county_id: str = "BENTON") -> str | None:
    engine = registry.engine(county_id)
    return None if engine is None else engine.version


def test_a_county_without_sales_has_no_engine_and_gets_one_with_its_first_sale(world: World) -> None:
    registry = world.registry()
    assert serving(registry) is None
    world.grow("BENTON", 1)
    assert serving(registry) == "v1"
    world.grow("BENTON", 3)
    assert serving(registry) == "v3"


def test_an_engine_is_made_once_while_the_sales_stay_the_same(world: World) -> None:
    registry = world.registry()
    world.grow("BENTON", 50)
    first_engine = registry.engine("BENTON")
    world.now += 10_000
    assert registry.engine("BENTON") is first_engine
    assert world.built == ["v50"]


def test_each_county_has_its_own_engine(world: World) -> None:
    registry = world.registry()
    world.grow("BENTON", 50)
    world.grow("KING", 60)
    assert (serving(registry, "BENTON"), serving(registry, "KING")) == ("v50", "v60")
    assert registry.versions() == {"BENTON": "v50", "KING": "v60"}


def test_a_quick_engine_follows_new_sales_at_once_but_not_all_the_time(world: World) -> None:
    registry = world.registry()
    world.grow("BENTON", 50)
    assert serving(registry) == "v50"
    world.grow("BENTON", 51)
    assert serving(registry) == "v50"
    world.now += 3
    assert serving(registry) == "v51"


def test_an_outgrown_engine_is_replaced_before_the_next_answer(world: World) -> None:
    world.takes = 1.0
    registry = world.registry()
    world.grow("BENTON", 10)
    assert serving(registry) == "v10"
    world.grow("BENTON", 100)
    assert serving(registry) == "v100"


def test_a_slow_engine_is_replaced_in_the_background_while_the_old_one_serves(world: World) -> None:
    world.takes = 1.0
    registry = world.registry()
    world.grow("BENTON", 50)
    assert serving(registry) == "v50"
    world.now += 25
    world.grow("BENTON", 51)
    world.hold.clear()
    assert serving(registry) == "v50"
    assert serving(registry) == "v50"
    world.hold.set()
    registry.settle(10)
    assert serving(registry) == "v51"
    assert world.built == ["v50", "v51"]


def test_a_slow_engine_rests_before_it_is_replaced(world: World) -> None:
    world.takes = 1.0
    registry = world.registry()
    world.grow("BENTON", 50)
    assert serving(registry) == "v50"
    world.grow("BENTON", 51)
    world.now += 19
    serving(registry)
    registry.settle(10)
    assert serving(registry) == "v50"
    world.now += 1
    serving(registry)
    registry.settle(10)
    assert serving(registry) == "v51"


def test_the_old_engine_serves_on_when_no_new_one_can_be_made(world: World) -> None:
    world.takes = 1.0
    registry = world.registry()
    world.grow("BENTON", 50)
    assert serving(registry) == "v50"
    world.now += 25
    world.grow("BENTON", 51)
    world.broken = True
    serving(registry)
    registry.settle(10)
    assert serving(registry) == "v50"
    world.broken = False
    world.now += 25
    serving(registry)
    registry.settle(10)
    assert serving(registry) == "v51"


def test_a_trained_engine_takes_precedence(world: World) -> None:
    registry = world.registry()
    world.grow("BENTON", 50)
    assert serving(registry) == "v50"
    world.trained["BENTON"] = FakeEngine("BENTON", "trained-1")
    assert serving(registry) == "trained-1"
    del world.trained["BENTON"]
    assert serving(registry) == "v50"


def test_threads_that_ask_at_once_wait_for_one_engine(world: World) -> None:
    registry = world.registry()
    world.grow("BENTON", 50)
    world.hold.clear()
    answers: list[str | None] = []
    threads = [threading.Thread(target=lambda: answers.append(serving(registry))) for _ in range(8)]
    for thread in threads:
        thread.start()
    world.hold.set()
    for thread in threads:
        thread.join(10)
    assert answers == ["v50"] * 8
    assert world.built == ["v50"]


def test_a_closed_registry_serves_on(world: World) -> None:
    registry = world.registry()
    world.grow("BENTON", 50)
    assert serving(registry) == "v50"
    registry.close()
    assert serving(registry) == "v50"
    assert np.array_equal(world.pool("BENTON").day, first(POOL, 50).day)
