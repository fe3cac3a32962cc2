"""The gate holds a model to the standard, as far as its sales can show."""

from dataclasses import replace

import numpy as np
import pytest

from processor.ratio_study import Study, study
from processor.training.gate import objections, worse

RNG = np.random.default_rng(0)
PRICE = np.exp(RNG.normal(13, 0.4, 2000))


def _study(value: "np.ndarray[tuple[int], np.dtype[np.float64]]", half: float = 0.165, n: int = 2000) -> Study:
    return study(PRICE[:n], value[:n], (value * np.exp(-half))[:n], (value * np.exp(half))[:n])


GOOD = _study(PRICE * np.exp(RNG.normal(0, 0.1, 2000)))


def test_a_good_study_has_no_objections() -> None:
    assert objections(GOOD) == []


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (_study(PRICE * 1.08 * np.exp(RNG.normal(0, 0.1, 2000))), "median ratio"),
        (_study(PRICE * np.exp(RNG.normal(0, 0.25, 2000)), half=0.41), "COD"),
        (_study(PRICE**0.7 * np.exp(13 * 0.3) * np.exp(RNG.normal(0, 0.1, 2000))), "PRB"),
        (_study(PRICE**0.7 * np.exp(13 * 0.3) * np.exp(RNG.normal(0, 0.1, 2000))), "VEI"),
        (_study(PRICE * np.exp(RNG.normal(0, 0.1, 2000)), half=0.3), "coverage"),
        (_study(PRICE * np.exp(RNG.normal(0, 0.1, 2000)), half=0.05), "coverage"),
        (_study(RNG.permutation(PRICE), half=0.9), "COD"),
        (replace(GOOD, n=20), "30 are needed"),
        (_study(PRICE * 1.2 * np.exp(RNG.normal(0, 0.2, 2000)), n=40), "median ratio"),
    ],
)
def test_what_fails_is_named(found: Study, named: str) -> None:
    assert any(named in one for one in objections(found)), objections(found)


def test_a_small_county_is_not_refused_for_noise() -> None:
    found = _study(PRICE * np.exp(RNG.normal(0, 0.12, 2000)), half=0.2, n=60)
    assert objections(found) == []


def test_worse_than_the_one_in_service_beyond_noise_is_said() -> None:
    poor = _study(PRICE * np.exp(RNG.normal(0, 0.15, 2000)))
    assert worse(poor, GOOD) is not None
    assert worse(GOOD, poor) is None
    assert worse(GOOD, None) is None
    assert worse(_study(PRICE * np.exp(RNG.normal(0, 0.101, 2000))), GOOD) is None
