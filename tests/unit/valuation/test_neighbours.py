import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.valuation import local
from processor.valuation.neighbours import NOBODY, Neighbours, Owners, SaleSearch
from tests.unit.valuation.counties import objects


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 1_500), st.integers(1, 12), st.integers(1, 40))
def test_the_nearest_allowed_sales_are_found_however_few_are_allowed(
    seed: int, n: int, k: int, properties: int
) -> None:
    draw = np.random.default_rng(seed)
    points = draw.normal(size=(n, 3))
    days = np.sort(draw.integers(0, 1_000, n))
    owners = draw.integers(0, properties, n)
    search = SaleSearch(points, days, owners)
    asked = draw.normal(size=(8, 3))
    day = np.array([0, 1, 5, 20, 100, 500, 999, 5_000])
    owner = np.array([0, 0, 1, NOBODY, 2, NOBODY, 3, 0])
    found = search.nearest(asked, day, owner, k)
    available = search.available(day, owner)
    for row in range(8):
        allowed = (days < day[row]) & (owners != owner[row])
        distance = np.sqrt(((points[allowed] - asked[row]) ** 2).sum(axis=1))
        there = found.sale[row] != NOBODY
        assert found.distance[row][there].tolist() == pytest.approx(np.sort(distance)[:k].tolist())
        assert (days[found.sale[row][there]] < day[row]).all()
        assert (owners[found.sale[row][there]] != owner[row]).all()
        assert available[row] == allowed.sum()


def test_properties_without_sales_have_no_owner_number() -> None:
    owners = Owners(objects(["A", "B", "A"]))
    assert owners.of_sale.tolist() == [0, 1, 0]
    assert owners.codes(["B", "X", "A"]).tolist() == [1, NOBODY, 0]


def test_near_sales_count_more_and_odd_ones_less() -> None:
    neighbours = Neighbours(np.array([[0, 1, 2, NOBODY]]), np.array([[0.5, 1.0, 0.5, np.inf]]))
    weight = local.kernel(neighbours, np.array([1.0, 1.0, 0.2]))[0]
    assert weight[0] > weight[1]
    assert weight[2] == pytest.approx(0.2 * weight[0])
    assert weight[3] == 0


def test_few_or_far_sales_say_little_about_the_level() -> None:
    residual = np.array([[0.2, 0.2]])
    near, far = (local.level(np.full((1, 2), weight), residual)[0] for weight in (10.0, 0.01))
    assert near == pytest.approx(0.2, abs=0.01)
    assert far < 0.01
