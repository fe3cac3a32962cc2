"""Learning the model of a county from sorted, usable sales, with an honest residual for every one of them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from processor.training import boosting
from processor.training.boosting import Grown
from processor.training.progress import Progress
from processor.training.surroundings import FOLDS, Learned
from processor.valuation.frame import Floats
from processor.valuation.model.model import Model
from processor.valuation.model.shap import tabulate

_WORKERS: Final = 2
_CLIP: Final = 0.5
_MOST_SHARE: Final = 0.5
_SALES_FOR_HEDONIC: Final = 1000.0
_LEAST_SHARE: Final = 0.1
"""Beyond ten thousand sales the hedonic gains nothing forward and compresses values: no vertical equity to spare."""
_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model, what it learned from, and per sale the residual of a model that had not seen it (log price, or NaN)."""

    model: Model
    learned: Learned
    residual: Floats


@dataclass(frozen=True, slots=True)
class Growth:
    """Trees to grow: from everything ``learned``, or without the fold ``left_out``."""

    learned: Learned
    left_out: int | None = None

    def steps(self) -> int:
        """Return how many trees that is."""
        return boosting.recipe_for(*self.learned.matrix.shape).trees

    def grow(self, progress: Progress) -> Grown:
        """Grow them; the recipe is that of the whole, so that the folds' trees are like the model's."""
        learned, fold = self.learned, self.learned.fold
        rows = np.arange(len(fold)) if self.left_out is None else np.flatnonzero(fold != self.left_out)
        recipe = boosting.recipe_for(*learned.matrix.shape)
        return boosting.grow(recipe, learned.matrix[rows], learned.target[rows], grown=progress.step)


def with_folds(learned: Learned) -> list[Growth]:
    """Return the growths of a model and of its folds."""
    return [Growth(learned), *(Growth(learned, part) for part in range(FOLDS))]


def grow_all(growths: Sequence[Growth], progress: Progress) -> list[Grown]:
    """Grow ensembles two at a time; each uses one thread, so the result does not depend on how many run."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        return list(pool.map(lambda growth: growth.grow(progress), growths))


def fitted(learned: Learned, full: Grown, folds: Sequence[Grown]) -> Fitted:
    """Put a model together from its trees and those of its folds."""
    predicted = np.empty(len(learned.target))
    for part, grown in enumerate(folds):
        inside = learned.fold == part
        predicted[inside] = grown.trees.predict(learned.matrix[inside])
    residual, other = learned.target - predicted, learned.target - learned.hedonic
    share = fitted_share(residual, other)
    return Fitted(model_of(learned, full, share), learned, (1.0 - share) * residual + share * other)


def fitted_share(error: Floats, other: Floats) -> float:
    """Return how much the hedonic should count beside the trees: the weight of least squared clipped errors."""
    difference = error - other
    power = float(difference @ difference)
    weight = float(np.clip(error, -_CLIP, _CLIP) @ difference) / power if power > 0 else 0.0
    share = min(weight, _MOST_SHARE, _SALES_FOR_HEDONIC / len(error))
    return round(share, 4) if share >= _LEAST_SHARE else 0.0


def model_of(learned: Learned, full: Grown, share: float) -> Model:
    """Return the model of trees and hedonic."""
    surroundings = learned.surroundings
    _, owner = surroundings.groups()
    numbers, categories = len(surroundings.plan.numeric), len(surroundings.plan.categories)
    curves, inputs = surroundings.hedonic.curves, learned.inputs
    effects = curves.effects(curves.scaled(inputs.numbers))
    levels = [level[inputs.codes[:, at]].mean() for at, level in enumerate(surroundings.hedonic.levels)]
    return Model(
        surroundings,
        full.trees,
        tabulate(full.trees, full.cover, owner),
        share,
        owner[:numbers].astype(np.int64),
        owner[numbers : numbers + categories].astype(np.int64),
        np.asarray(np.round(effects.mean(axis=0), _DIGITS), dtype=np.float64),
        np.asarray(np.round(levels, _DIGITS), dtype=np.float64),
    )
