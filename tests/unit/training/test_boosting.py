import numpy as np

from processor.training.boosting import Recipe, grow


def test_a_target_without_differences_gives_trees_that_say_so() -> None:
    matrix = np.random.default_rng(1).normal(size=(60, 3))
    grown = grow(Recipe(5, 3, 0.1), matrix, np.full(60, 2.5))
    assert grown.trees.predict(matrix).tolist() == [2.5] * 60


def test_features_without_differences_give_the_mean() -> None:
    target = np.random.default_rng(1).normal(size=60)
    grown = grow(Recipe(5, 3, 0.1), np.full((60, 2), np.nan), target)
    assert np.allclose(grown.trees.predict(np.zeros((1, 2))), target.mean())
    assert grown.cover.sum() == 60
