"""Neighbour features equal what one would compute by hand, and nobody is told his own price."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.valuation.model.evidence import FEATURES, Evidence


def _evidence(n: int = 200, seed: int = 0) -> Evidence:
    rng = np.random.default_rng(seed)
    kind = np.arange(1000, 1000 + n)
    return Evidence(rng.normal(size=(n, 2)), rng.normal(size=(n, 3)), rng.normal(size=n), rng.normal(size=n), kind, 0.5)


def _by_hand(evidence: Evidence, row: int, subject_kind: int, count: int) -> tuple[float, float]:
    distance = np.hypot(*(evidence.position - evidence.position[row]).T)
    order = [sale for sale in np.argsort(distance, kind="stable") if evidence.kind[sale] != subject_kind][:count]
    weight = 1 / (distance[order] / evidence.reach + 0.5) ** 2
    return float(np.median(evidence.rate[order])), float(np.average(evidence.residual[order], weights=weight))


@settings(deadline=None)  # the first call compiles
@given(row=st.integers(0, 199), count=st.sampled_from([5, 15, 60]), seed=st.integers(0, 20))
def test_features_are_medians_and_weighted_means_of_the_nearest_sales(row: int, count: int, seed: int) -> None:
    evidence = _evidence(seed=seed)
    at, space = evidence.position[[row]], evidence.space[[row]]
    found = evidence.features(evidence.on_map(at), evidence.in_space(space), evidence.kind[[row]])[0]
    rate, residual = _by_hand(evidence, row, int(evidence.kind[row]), count)
    assert found[FEATURES.index(f"nearest_{count}_rate")] == pytest.approx(rate, abs=1e-12)
    assert found[FEATURES.index(f"nearest_{count}_residual")] == pytest.approx(residual, abs=1e-12)


def test_the_only_sale_of_its_kind_tells_nothing_to_its_kind() -> None:
    evidence = _evidence()
    dear = Evidence(
        evidence.position, evidence.space, evidence.rate, np.where(np.arange(200) == 7, 1e6, 0.0), evidence.kind, 0.5
    )
    at, space = dear.position[[7]], dear.space[[7]]
    own = dear.features(dear.on_map(at), dear.in_space(space), dear.kind[[7]])[0]
    stranger = dear.features(dear.on_map(at), dear.in_space(space), np.array([5]))[0]
    assert np.abs(own[3:6]).max() == 0
    assert stranger[3] > 1e4


def test_a_kind_that_several_properties_share_tells_everybody() -> None:
    evidence = _evidence()
    shared = Evidence(evidence.position, evidence.space, evidence.rate, evidence.residual, np.full(200, -1), 0.5)
    at, space = shared.position[[7]], shared.space[[7]]
    first = shared.features(shared.on_map(at), shared.in_space(space), np.array([1007]))
    second = shared.features(shared.on_map(at), shared.in_space(space), np.array([5]))
    assert np.array_equal(first, second)


def test_a_property_without_a_position_still_has_similar_sales() -> None:
    evidence = _evidence()
    nowhere = np.full((1, 2), np.nan)
    found = evidence.features(evidence.on_map(nowhere), evidence.in_space(evidence.space[[0]]), np.array([5]))[0]
    assert np.isnan(found[:7]).all()
    assert not np.isnan(found[7:]).any()


def test_fewer_sales_than_asked_for_are_all_there_is() -> None:
    evidence = _evidence(4)
    found = evidence.features(
        evidence.on_map(evidence.position[:1]), evidence.in_space(evidence.space[:1]), np.array([5])
    )[0]
    assert found[FEATURES.index("nearest_60_rate")] == np.median(evidence.rate)


def test_a_county_without_coordinates_has_no_map() -> None:
    evidence = _evidence(10)
    mapless = Evidence(np.full((10, 2), np.nan), evidence.space, evidence.rate, evidence.residual, evidence.kind, 0.5)
    near = mapless.on_map(np.zeros((2, 2)))
    assert np.isinf(near.distance).all()
