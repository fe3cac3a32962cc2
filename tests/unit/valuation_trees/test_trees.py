"""What the arrays say is what CatBoost says."""

import numpy as np
import pytest
from catboost import CatBoostRegressor, Pool

from processor.training.boosting import Grown, export
from processor.valuation.frame import Floats
from processor.valuation.model.shap import tabulate
from processor.valuation.model.trees import Explanation, Small

FEATURES = 9


def _data(n: int, seed: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, FEATURES)).round(2)
    matrix[rng.random(matrix.shape) < 0.1] = np.nan
    known = np.nan_to_num(matrix)
    return matrix, known[:, 0] * known[:, 1] + np.abs(known[:, 2]) + rng.normal(0, 0.1, n)


@pytest.fixture(scope="module", params=[1, 4, 6])
def grown(request: pytest.FixtureRequest) -> tuple[CatBoostRegressor, Grown]:
    matrix, target = _data(800, 0)
    model = CatBoostRegressor(
        iterations=120, depth=request.param, learning_rate=0.2, verbose=0, allow_writing_files=False, thread_count=1
    )
    model.fit(matrix.astype(np.float32), target)
    return model, export(model)


def _by_feature(grown: Grown) -> Explanation:
    return tabulate(grown.trees, grown.cover, np.arange(FEATURES, dtype=np.int32))


def test_predictions_equal_catboosts(grown: tuple[CatBoostRegressor, Grown]) -> None:
    model, arrays = grown
    matrix, _ = _data(500, 1)
    assert np.abs(arrays.trees.predict(matrix) - model.predict(matrix.astype(np.float32))).max() < 1e-12


def test_contributions_equal_catboosts_shap_values_also_in_leaves_no_training_row_fell_into(
    grown: tuple[CatBoostRegressor, Grown],
) -> None:
    model, arrays = grown
    matrix, _ = _data(500, 1)
    matrix[::3] *= 100
    expected = model.get_feature_importance(Pool(matrix.astype(np.float32)), type="ShapValues")
    explanation = _by_feature(arrays)
    assert np.abs(explanation.contributions(arrays.trees, matrix, FEATURES) - expected[:, :-1]).max() < 1e-10
    assert abs(explanation.expected - expected[0, -1]) < 1e-10


def test_contributions_add_up_to_the_prediction(grown: tuple[CatBoostRegressor, Grown]) -> None:
    _, arrays = grown
    matrix, _ = _data(300, 2)
    explanation = _by_feature(arrays)
    total = explanation.expected + explanation.contributions(arrays.trees, matrix, FEATURES).sum(axis=1)
    assert np.abs(total - arrays.trees.predict(matrix)).max() < 1e-12


def test_features_of_one_line_are_summed(grown: tuple[CatBoostRegressor, Grown]) -> None:
    _, arrays = grown
    matrix, _ = _data(100, 2)
    line_of: Small = np.array([0, 1, 1, 2, 0, 1, 2, 2, 0], dtype=np.int32)
    by_feature = _by_feature(arrays).contributions(arrays.trees, matrix, FEATURES)
    by_line = tabulate(arrays.trees, arrays.cover, line_of).contributions(arrays.trees, matrix, 3)
    for line in range(3):
        assert np.allclose(by_line[:, line], by_feature[:, line_of == line].sum(axis=1), atol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 31, 32, 33, 65])
def test_a_row_gives_the_same_bits_alone_and_in_any_batch(grown: tuple[CatBoostRegressor, Grown], size: int) -> None:
    _, arrays = grown
    matrix, _ = _data(130, 3)
    explanation = _by_feature(arrays)
    whole = explanation.contributions(arrays.trees, matrix, FEATURES)
    parts = [
        explanation.contributions(arrays.trees, matrix[at : at + size], FEATURES) for at in range(0, len(matrix), size)
    ]
    assert np.array_equal(np.concatenate(parts), whole)
