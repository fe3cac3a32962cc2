"""Growing the trees: the only place that knows CatBoost. What leaves this module is plain arrays."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from catboost import CatBoostRegressor

from processor.valuation.frame import Floats
from processor.valuation.model.trees import Trees

_MANY_SALES: Final = 6000
_SOME_SALES: Final = 1500
_LEAST_SHARE: Final = 0.2
_FEATURES_TRIED: Final = 12
"""How many features each level of a tree looks at where there are many: as accurate as looking at all, and quicker."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to grow an ensemble. One thread each: the result does not depend on the machine's cores."""

    trees: int
    depth: int
    learning_rate: float
    l2: float = 3.0
    feature_share: float = 1.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Grown:
    """An ensemble and, for its explanation, the weight of the training rows in each leaf [T, 2**D]."""

    trees: Trees
    cover: Floats


def recipe_for(sales: int, features: int) -> Recipe:
    """Choose the recipe by the evidence: few sales get fewer, shallower, more held-back trees."""
    share = min(1.0, max(_FEATURES_TRIED / features, _LEAST_SHARE))
    if sales >= _MANY_SALES:
        return Recipe(1200, 6, 0.05, feature_share=share)
    if sales >= _SOME_SALES:
        return Recipe(900, 5, 0.05, l2=4.0, feature_share=share)
    return Recipe(500, 4, 0.05, l2=6.0, feature_share=share)


def grow(
    recipe: Recipe,
    matrix: Floats,
    target: Floats,
    weight: Floats | None = None,
    grown: Callable[[], None] | None = None,
) -> Grown:
    """Fit an ensemble to ``target``; ``grown`` is called after every tree. Equal arguments give equal bits.

    The mean of the target is taken out before and put into the bias after.
    """
    model = CatBoostRegressor(
        iterations=recipe.trees,
        depth=recipe.depth,
        learning_rate=recipe.learning_rate,
        l2_leaf_reg=recipe.l2,
        rsm=recipe.feature_share,
        random_seed=recipe.seed,
        thread_count=1,
        verbose=0,
        allow_writing_files=False,
    )
    mean = float(target.mean())
    if np.ptp(target) == 0 or not _varies(matrix):
        return _constant(mean, len(target))
    callbacks = None if grown is None else [_EveryTree(grown)]
    model.fit(matrix.astype(np.float32), target - mean, sample_weight=weight, callbacks=callbacks)
    fitted = export(model)
    trees = fitted.trees
    return Grown(Trees(trees.feature, trees.border, trees.leaf, trees.bias + mean), fitted.cover)


def _varies(matrix: Floats) -> bool:
    """Tell whether any feature has more than one value; CatBoost refuses features that say nothing."""
    return any(len(np.unique(column)) > 1 for column in matrix.T.astype(np.float32))


def _constant(mean: float, rows: int) -> Grown:
    """Return the one tree that says the same of everything."""
    trees = Trees(np.zeros((1, 1), np.int32), np.full((1, 1), np.inf, np.float32), np.zeros((1, 2)), mean)
    return Grown(trees, np.array([[float(rows), 0.0]]))


class _EveryTree:
    """CatBoost's callback shape around a plain function."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call

    def after_iteration(self, _info: object) -> bool:
        """Count a tree and go on."""
        self._call()
        return True


def export(model: CatBoostRegressor) -> Grown:
    """Take the arrays out of a fitted model of symmetric trees over numeric features."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "model.json")
        model.save_model(str(path), format="json")
        document: dict[str, Any] = orjson.loads(path.read_bytes())
    grown: list[dict[str, Any]] = document["oblivious_trees"]
    depth = max([1, *(len(tree["splits"] or ()) for tree in grown)])
    shape = (len(grown), depth)
    feature, border = np.zeros(shape, np.int32), np.full(shape, np.inf, np.float32)
    leaf, cover = np.zeros((len(grown), 1 << depth)), np.zeros((len(grown), 1 << depth))
    for t, tree in enumerate(grown):
        splits = tree["splits"] or ()
        feature[t, : len(splits)] = [split["float_feature_index"] for split in splits]
        border[t, : len(splits)] = [split["border"] for split in splits]
        leaf[t, : 1 << len(splits)] = tree["leaf_values"]
        cover[t, : 1 << len(splits)] = tree["leaf_weights"]
    scale, (bias,) = document["scale_and_bias"]
    return Grown(Trees(feature, border, leaf * scale, bias), cover)
