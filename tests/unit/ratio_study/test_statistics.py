import math

import assesspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from processor.ratio_study import NoUsableSales, Study, study, trimmed_study
from processor.ratio_study.statistics import Floats, Interval, median_interval
from processor.ratio_study.strata import by_stratum, value_deciles
from processor.ratio_study.vertical import prb, value_proxy, vei

FIVE_PRICES = np.array([350_000.0, 425_000.0, 500_000.0, 275_000.0, 600_000.0])
FIVE_VALUES = np.array([336_000.0, 408_000.0, 490_000.0, 264_000.0, 582_000.0])


def wavy(n: int = 240) -> tuple[Floats, Floats]:
    """Sales by a formula, so that figures from elsewhere can be held against them."""
    price = [float(round(150_000 + 900 * ((i * 37) % n) * (1 + 0.3 * math.sin(i)) + 11 * i)) for i in range(n)]
    wave = [0.97 + 0.11 * math.sin(3 * i) for i in range(n)]
    value = [float(round(p * (w - 0.05 * math.log(p / 260_000)))) for p, w in zip(price, wave, strict=True)]
    return np.array(price), np.array(value)


def positive(n: int) -> st.SearchStrategy[Floats]:
    return arrays.arrays(np.float64, n, elements=st.floats(1_000.0, 5_000_000.0))


def pairs(fewest: int = 2) -> st.SearchStrategy[tuple[Floats, Floats]]:
    return st.integers(fewest, 60).flatmap(lambda n: st.tuples(positive(n), positive(n)))


def test_the_five_sales_of_the_design_give_its_table() -> None:
    found = study(FIVE_PRICES, FIVE_VALUES)
    assert found.median_ratio == 0.96
    assert found.mean_ratio == pytest.approx(0.966, abs=1e-12)
    assert found.weighted_mean_ratio == pytest.approx(0.967442, abs=5e-7)
    assert found.cod == pytest.approx(0.625, abs=1e-12)
    assert found.prd == pytest.approx(0.99851, abs=5e-6)
    assert found.prb == pytest.approx(0.01454, abs=5e-6)


def test_figures_equal_those_of_assesspy_2_0_2() -> None:
    price, value = wavy()
    found = study(price, value)
    assert found.cod == pytest.approx(7.302586913075425, abs=1e-9)
    assert found.prd == pytest.approx(1.0030161854411184, abs=1e-9)
    assert found.prb == pytest.approx(0.0015087736008041, abs=1e-9)
    assert found.mki == pytest.approx(0.9545712066536988, abs=1e-9)
    assert found.prb_ci == pytest.approx((-0.026754180333069855, 0.029771727534678053), abs=1e-9)


@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")  # the oracle's use of pandas
@settings(deadline=None, max_examples=30)
@given(pairs(fewest=3))
def test_statistics_equal_those_of_assesspy_on_any_sales(sales: tuple[Floats, Floats]) -> None:
    price, value = sales
    found = study(price, value)
    assert found.cod == pytest.approx(assesspy.cod(value.tolist(), price.tolist()), abs=1e-9, rel=1e-9)
    assert found.prd == pytest.approx(assesspy.prd(value.tolist(), price.tolist()), abs=1e-9, rel=1e-9)
    if np.ptp(np.log2(value_proxy(value, price))) > 1e-3:
        assert found.prb == pytest.approx(assesspy.prb(value.tolist(), price.tolist()), abs=1e-9, rel=1e-6)
        assert found.prb_ci == pytest.approx(assesspy.prb_ci(value.tolist(), price.tolist()), abs=1e-9, rel=1e-6)
    if np.ptp(price) > 1:
        assert found.mki == pytest.approx(assesspy.mki(value.tolist(), price.tolist()), abs=1e-9, rel=1e-6)


@settings(deadline=None)
@given(pairs(), st.floats(0.1, 10.0))
def test_uniformity_does_not_depend_on_the_level(sales: tuple[Floats, Floats], factor: float) -> None:
    price, value = sales
    before, after = study(price, value), study(price, value * factor)
    assert after.median_ratio == pytest.approx(before.median_ratio * factor)
    assert after.cod == pytest.approx(before.cod, abs=1e-6)
    assert after.prd == pytest.approx(before.prd, rel=1e-9)


@settings(deadline=None)
@given(pairs())
def test_the_order_of_the_sales_does_not_matter(sales: tuple[Floats, Floats]) -> None:
    price, value = sales
    order = np.random.default_rng(len(price)).permutation(len(price))
    before, after = study(price, value), study(price[order], value[order])
    assert after.median_ratio == before.median_ratio
    assert after.cod == pytest.approx(before.cod, abs=1e-9)
    assert after.within_10 == before.within_10


@settings(deadline=None)
@given(positive(30))
def test_perfect_values_have_perfect_statistics(price: Floats) -> None:
    found = study(price, price.copy())
    assert found.median_ratio == 1
    assert (found.cod, found.mdape, found.within_5) == (0, 0, 100)
    assert found.prd == pytest.approx(1)
    assert found.prb is None or found.prb == pytest.approx(0, abs=1e-9)
    assert found.mki is None or found.mki == pytest.approx(1)


def test_one_sale_has_a_level_and_no_spread() -> None:
    found = study(np.array([300_000.0]), np.array([285_000.0]))
    assert found.median_ratio == 0.95
    assert found.within_5 == 100
    nothing = (found.cod, found.prd, found.prb, found.mki, found.vei, found.r2, found.median_ci, found.cod_ci)
    assert nothing == (None,) * 8


def test_two_sales_have_no_intervals() -> None:
    found = study(np.array([300_000.0, 400_000.0]), np.array([290_000.0, 420_000.0]))
    assert found.cod is not None
    assert found.prb is not None
    assert (found.prb_ci, found.cod_ci, found.prd_ci, found.median_ci) == (None, None, None, None)


def test_equal_prices_leave_nothing_to_say_about_vertical_equity() -> None:
    found = study(np.full(40, 250_000.0), np.full(40, 240_000.0))
    assert (found.prb, found.mki, found.r2) == (None, None, None)
    assert found.cod == 0
    assert found.document()["cod_ci"] == [0.0, 0.0]


@pytest.mark.parametrize("bad", [0.0, -5.0, math.nan, math.inf])
def test_prices_that_are_no_prices_are_refused(bad: float) -> None:
    with pytest.raises(NoUsableSales):
        study(np.array([300_000.0, bad]), np.array([1.0, 1.0]))
    with pytest.raises(NoUsableSales):
        study(np.array([1.0, 1.0]), np.array([300_000.0, bad]))
    with pytest.raises(NoUsableSales):
        study(np.array([]), np.array([]))


def test_the_interval_of_the_median_has_the_ranks_of_the_standard() -> None:
    assert median_interval(np.arange(1.0, 6.0)) is None
    assert median_interval(np.arange(1.0, 7.0)) == Interval(1.0, 6.0)
    assert median_interval(np.arange(1.0, 101.0)) == Interval(41.0, 60.0)


@pytest.mark.parametrize(("n", "groups"), [(19, 0), (20, 2), (50, 2), (51, 4), (500, 4), (501, 10), (2_000, 10)])
def test_the_number_of_value_groups_follows_the_number_of_sales(n: int, groups: int) -> None:
    price, value = wavy(n)
    found = vei(value, price)
    assert (0 if found is None else len(found.medians)) == groups
    if found is not None:
        assert sum(found.sizes) == n
        assert max(found.sizes) - min(found.sizes) <= 1


def test_regressive_values_have_a_negative_vei_that_is_significant() -> None:
    price = np.linspace(100_000, 900_000, 800)
    value = price * (1.1 - 0.3 * (price - 100_000) / 800_000)
    found = study(price, value)
    assert found.vei is not None
    assert found.vei < -20
    assert found.vei_significance is not None
    assert found.vei_significance > 20
    assert found.prb is not None
    assert found.prb < -0.05
    assert found.prd is not None
    assert found.prd > 1.03


def test_groups_whose_medians_agree_have_no_significance() -> None:
    price = np.linspace(100_000, 900_000, 800)
    value = price * (1 + 0.05 * np.sin(np.arange(800.0)))
    assert study(price, value).vei_significance == 0


def test_the_bootstrap_gives_the_same_interval_every_time() -> None:
    price, value = wavy()
    first, second = study(price, value), study(price, value)
    assert first == second
    assert first.cod_ci is not None
    assert first.cod is not None
    assert first.cod_ci.low < first.cod < first.cod_ci.high
    assert first.prd_ci is not None
    assert first.prd is not None
    assert first.prd_ci.low < first.prd < first.prd_ci.high


def test_errors_of_exactly_the_limit_are_within_it() -> None:
    price = np.array([100_000.0, 100_000.0, 300_000.0, 700_000.0])
    value = np.array([95_000.0, 105_000.0, 330_000.0, 560_000.0])
    found = study(price, value)
    assert (found.within_5, found.within_10, found.within_20) == (50, 75, 100)


def test_coverage_counts_the_sales_inside_their_intervals() -> None:
    price, value = wavy(10)
    low, high = price * 0.9, price * 1.1
    low[0], high[1] = price[0] + 1, math.nan
    assert study(price, value, low, high).coverage_90 == pytest.approx(100 * 8 / 9)
    assert study(price, value).coverage_90 is None


def test_trimming_cuts_outlier_ratios_but_never_more_than_five_per_cent() -> None:
    price, value = wavy()
    value[:3] = price[:3] * 4
    trimmed, cut = trimmed_study(price, value)
    assert cut == 3
    assert trimmed.n == 237
    value[:60] = price[:60] * 4
    _, cut = trimmed_study(price, value)
    assert cut <= 12


def test_strata_need_thirty_sales() -> None:
    price, value = wavy(100)
    strata = by_stratum(price, value, {"area": ["north"] * 71 + ["south"] * 29})
    assert list(strata["area"]) == ["north"]
    assert strata["area"]["north"] == study(price[:71], value[:71])


def test_value_deciles_are_named_in_order_and_equally_full() -> None:
    price, value = wavy(200)
    deciles = np.array(value_deciles(price, value))
    assert sorted(set(deciles.tolist())) == [f"{i:02d}" for i in range(1, 11)]
    assert all((deciles == name).sum() == 20 for name in set(deciles.tolist()))


def test_the_document_has_the_names_of_the_contract_in_its_order() -> None:
    assert list(study(*wavy()).document()) == [
        "n", "median_ratio", "median_ci", "mean_ratio", "weighted_mean_ratio", "cod", "cod_ci", "prd", "prd_ci", "prb",
        "prb_ci", "vei", "vei_significance", "mki", "mdape", "within_5", "within_10", "within_20", "r2", "coverage_90",
    ]  # fmt: skip
    assert isinstance(study(*wavy()), Study)


@settings(deadline=None)
@given(pairs(fewest=3))
def test_the_interval_of_prb_holds_its_slope(sales: tuple[Floats, Floats]) -> None:
    price, value = sales
    slope, interval = prb(value, price)
    assert (slope is None) == (interval is None)
    if slope is not None and interval is not None:
        assert interval.low <= slope <= interval.high
