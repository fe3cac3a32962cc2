"""Statistics of sales that are few or simple enough to be worked out by hand, limits and edges included."""

import math
from dataclasses import replace

import numpy as np
import pytest

from processor.ratio_study import NoUsableSales, study, trimmed_study
from processor.ratio_study.standard import LIMITS, Limit, verdicts
from processor.ratio_study.statistics import Floats, cod, prd
from processor.ratio_study.strata import FEWEST_SALES, by_stratum
from processor.ratio_study.study import trimmed_rows
from tests.unit.ratio_study.test_statistics import FIVE_PRICES, FIVE_VALUES, wavy

FOUR_PRICES = np.array([100_000.0, 200_000.0, 300_000.0, 400_000.0])
FOUR_VALUES = np.array([110_000.0, 180_000.0, 330_000.0, 380_000.0])


def test_errors_of_ten_ten_ten_and_five_per_cent_have_their_median_and_their_r2() -> None:
    found = study(FOUR_PRICES, FOUR_VALUES)
    assert found.mdape == pytest.approx(10)
    assert found.r2 == pytest.approx(1 - (10**2 + 20**2 + 30**2 + 20**2) / (150**2 + 50**2 + 50**2 + 150**2))


def test_errors_just_beyond_a_limit_are_not_within_it() -> None:
    price = np.full(4, 1_000.0)
    found = study(price, np.array([1_000.0, 1_055.0, 895.0, 1_205.0]))
    assert (found.within_5, found.within_10, found.within_20) == (25, 50, 75)


def test_a_study_carries_the_interval_of_its_median() -> None:
    assert study(np.full(100, 100.0), np.arange(1.0, 101.0)).median_ci == (0.41, 0.60)


def test_a_price_of_a_dollar_or_less_is_a_price() -> None:
    assert study(np.array([0.5, 1.0]), np.array([0.5, 1.0])).median_ratio == 1


def test_who_gives_no_sales_is_told_what_a_study_needs() -> None:
    with pytest.raises(NoUsableSales) as told:
        study(np.array([]), np.array([]))
    assert str(told.value) == "A ratio study needs sales, each with a positive price and a positive value."


def test_the_kakwani_index_of_two_sales_is_one_gini_over_the_other() -> None:
    assert study(np.array([1.0, 2.0]), np.array([1.0, 3.0])).mki == pytest.approx(0.25 / (1 / 6))


def test_three_sales_are_enough_for_the_interval_of_prb_and_five_for_the_bootstrap() -> None:
    assert study(FIVE_PRICES[:3], FIVE_VALUES[:3]).prb_ci is not None
    found = study(FIVE_PRICES, FIVE_VALUES)
    assert found.cod_ci is not None
    assert found.prd_ci is not None


def test_vei_and_its_significance_compare_the_dearest_with_the_cheapest_quarter() -> None:
    """Fifteen sales a quarter, ratios 2.6, 2, 2 and 1.4 give or take 0.014; ranks 5 and 11 of 15 bound 90 %."""
    step = np.arange(-7.0, 8.0)
    price = np.concatenate([100_000.0 * 3**quarter + step for quarter in range(4)])
    ratio = np.concatenate([2 * (centre + step / 1_000) for centre in (1.3, 1.0, 1.0, 0.7)])
    found = study(price, price * ratio)
    assert found.vei == pytest.approx(100 * (1.4 - 2.6) / 2)
    assert found.vei_significance == pytest.approx(100 * (2.594 - 1.406) / 2)


def test_vei_takes_its_ends_and_not_their_neighbours() -> None:
    step = np.arange(-7.0, 8.0)
    price = np.concatenate([100_000.0 * 3**quarter + step for quarter in range(4)])
    found = study(price, price * np.repeat([1.0, 1.2, 0.9, 1.1], 15))
    assert found.vei == pytest.approx(100 * (1.1 - 1.0) / 1.05)


@pytest.mark.parametrize(("outlier", "tolerance"), [(40.0, 0.1), (1.0, 0.05)])
def test_bootstrap_intervals_are_those_of_independent_resampling(outlier: float, tolerance: float) -> None:
    price, value = wavy(2_500)
    value[0] = outlier * price[0]
    found = study(price, value)
    generator = np.random.default_rng(7)
    draws = [generator.integers(0, len(price), len(price)) for _ in range(2_000)]
    assert found.cod_ci is not None
    assert found.prd_ci is not None
    for interval, resampled in (
        (found.cod_ci, [cod(value[draw] / price[draw]) for draw in draws]),
        (found.prd_ci, [prd(value[draw], price[draw]) for draw in draws]),
    ):
        low, high = np.quantile(resampled, [0.025, 0.975])
        assert interval == pytest.approx((low, high), abs=tolerance * (high - low))


def test_the_interval_of_cod_does_not_depend_on_the_level() -> None:
    price, value = wavy(60)
    assert study(price, value * 0.5).cod_ci == pytest.approx(study(price, value).cod_ci)


def test_a_price_on_the_bound_of_its_interval_is_covered() -> None:
    assert study(FOUR_PRICES, FOUR_VALUES, FOUR_PRICES, FOUR_PRICES + 1).coverage_90 == 100
    assert study(FOUR_PRICES, FOUR_VALUES, FOUR_PRICES - 1, FOUR_PRICES).coverage_90 == 100
    assert study(FOUR_PRICES, FOUR_VALUES, FOUR_PRICES + 1, FOUR_PRICES + 2).coverage_90 == 0


def test_half_an_interval_is_none() -> None:
    assert study(FOUR_PRICES, FOUR_VALUES, FOUR_PRICES, None).coverage_90 is None
    assert study(FOUR_PRICES, FOUR_VALUES, None, FOUR_PRICES).coverage_90 is None
    assert trimmed_study(FOUR_PRICES, FOUR_VALUES, FOUR_PRICES, None)[0].coverage_90 is None
    assert by_stratum(*wavy(30), {"a": ["x"] * 30}, None, FOUR_PRICES)["a"]["x"].coverage_90 is None


def test_ratios_on_the_fences_stay_and_those_beyond_go() -> None:
    """Quartiles 24 and 76: the fences lie 78 outside of them."""
    ratio = np.array([-55.0, -54.0, *range(101), 154.0, 155.0])
    assert ratio[~trimmed_rows(ratio)].tolist() == [-55, 155]


def test_where_too_many_lie_beyond_the_fences_half_of_five_per_cent_go_at_each_end() -> None:
    ratio = np.array([*range(10), *np.linspace(90, 110, 181), *range(1_000, 1_010)], dtype=np.float64)
    assert ratio[~trimmed_rows(ratio)].tolist() == [0, 1, 2, 3, 4, 1_005, 1_006, 1_007, 1_008, 1_009]


def test_a_trimmed_study_is_the_study_of_the_sales_that_stay_with_their_intervals() -> None:
    price, value = wavy(100)
    cheapest = int(price.argmin())
    value[cheapest] = 3 * price[cheapest]
    low, high = price * np.linspace(0.8, 1.1, 100), price * 1.2
    rest = np.arange(100) != cheapest
    trimmed, cut = trimmed_study(price, value, low, high)
    assert cut == 1
    assert trimmed == study(price[rest], value[rest], low[rest], high[rest])
    assert trimmed.coverage_90 is not None


def test_odd_ratios_are_trimmed_and_not_dear_properties() -> None:
    price = np.geomspace(50_000, 5_000_000, 100)
    value = price * (1 + 0.05 * np.sin(np.arange(100.0)))
    value[10] = 2 * price[10]
    rest = np.arange(100) != 10
    assert trimmed_study(price, value) == (study(price[rest], value[rest]), 1)


def test_thirty_sales_are_a_stratum_with_the_coverage_of_its_own_intervals() -> None:
    price, value = wavy(2 * FEWEST_SALES)
    low, high = price * np.repeat([0.9, 1.1], FEWEST_SALES), price * 1.2
    strata = by_stratum(price, value, {"area": ["north"] * FEWEST_SALES + ["south"] * FEWEST_SALES}, low, high)["area"]
    assert (strata["north"].coverage_90, strata["south"].coverage_90) == (100, 0)


def _met(**figures: float | None) -> dict[str, bool | None]:
    plain = replace(study(*_quiet()), **figures)  # type: ignore[arg-type] # figures of the study by name
    return {verdict.limit.statistic: verdict.met for verdict in verdicts(plain)}


def _quiet() -> tuple[Floats, Floats]:
    return wavy(100)


@pytest.mark.parametrize("limit", LIMITS, ids=[limit.statistic for limit in LIMITS])
def test_the_limits_of_the_standard_are_themselves_in_order(limit: Limit) -> None:
    name, low, high = limit.statistic, limit.low, limit.high
    for figure, wanted in ((low, True), (high, True), (low - 0.01, False), (high + 0.01, False), (None, None)):
        assert _met(vei_significance=None, **{name: figure})[name] is wanted


def test_a_vei_beyond_its_limit_is_in_order_where_the_groups_lie_close() -> None:
    assert _met(vei=-25.0, vei_significance=10.0)["vei"] is True
    assert _met(vei=-25.0, vei_significance=10.1)["vei"] is False
    assert _met(vei=2.0, vei_significance=99.0)["vei"] is True
    assert _met(vei=-25.0, vei_significance=0.0, cod=99.0)["cod"] is False


def test_a_verdict_shows_the_statistic_it_is_about() -> None:
    found = study(*_quiet())
    shown = {verdict.limit.statistic: verdict.value for verdict in verdicts(found)}
    assert shown == {limit.statistic: getattr(found, limit.statistic) for limit in LIMITS}
    assert not any(value is not None and math.isnan(value) for value in shown.values())
