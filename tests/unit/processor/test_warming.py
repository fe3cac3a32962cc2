from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from processor.valuation.frame import Engine, InsufficientData, Sales, Subjects
from processor.warming import warm_up
from tests.unit.valuation.counties import county


@dataclass(slots=True)
class _Engine:
    county_id: str
    version: str = "v"
    asked: list[Subjects] = field(default_factory=list)

    def value(self, subjects: Subjects) -> list[bytes | InsufficientData]:
        self.asked.append(subjects)
        if self.county_id == "BROKEN":
            raise ValueError("no kernel for this county")
        return [b"{}"] * len(subjects)


@dataclass(slots=True)
class _Counties:
    counties: Mapping[str, Sales]
    engines: dict[str, _Engine] = field(default_factory=dict)

    def sizes(self) -> Mapping[str, int]:
        return {county_id: len(sales) for county_id, sales in self.counties.items()}

    def sales(self, county_id: str) -> Sales:
        return self.counties[county_id]

    def engine(self, county_id: str) -> Engine | None:
        if county_id == "UNSOLD":
            return None
        return self.engines.setdefault(county_id, _Engine(county_id))


@pytest.fixture(scope="module")
def sales() -> Sales:
    return county(40).sales


def test_every_engine_values_the_property_sold_last_on_the_day_after(sales: Sales) -> None:
    known = _Counties({"A": sales, "B": sales})
    assert warm_up(known, known, lambda: False) == 2
    (asked,) = known.engines["A"].asked
    assert list(asked.property_id) == [sales.property_id[-1]]
    assert asked.day.tolist() == [sales.day[-1] + 1]


def test_a_county_that_fails_keeps_no_other_from_being_tried(sales: Sales) -> None:
    known = _Counties({"BROKEN": sales, "UNSOLD": sales, "Z": sales})
    assert warm_up(known, known, lambda: False) == 1
    assert known.engines["Z"].asked


def test_the_largest_counties_come_first_and_no_more_than_a_handful(sales: Sales) -> None:
    small = county(10).sales
    known = _Counties({**{f"A{at:02}": small for at in range(20)}, "Z": sales})
    assert warm_up(known, known, lambda: False) == 16
    assert next(iter(known.engines)) == "Z"


def test_nothing_more_is_made_once_stopped(sales: Sales) -> None:
    known = _Counties({"A": sales})
    assert warm_up(known, known, lambda: True) == 0
    assert not known.engines
