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
from processor.valuation.model.model import LOCATION, Model
from processor.valuation.model.shap import tabulate

_WORKERS: Final = 2
HEDONIC_SHARE: Final = 0.85
"""How much of the hedonic the trees start from: more repeats its errors, less makes them learn what it knows."""
_ODD: Final = 0.5
"""Log residual of the hedonic beyond which a sale teaches less, in inverse proportion: it may be no market sale."""
_WEIGHT_UNIT: Final = 1.0 / 64
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
        rest, weight = rest_of(learned)[rows], weights(learned)[rows]
        return boosting.grow(recipe, learned.matrix[rows], rest, weight, grown=progress.step)


def rest_of(learned: Learned) -> Floats:
    """Return what the trees are to learn: log price less the share of a hedonic that had not seen the sale."""
    return learned.target - HEDONIC_SHARE * learned.hedonic


def weights(learned: Learned) -> Floats:
    """Return how much each sale teaches: 1, less where its price is far from all that a hedonic can explain."""
    error = np.abs(learned.target - learned.hedonic)
    return np.asarray(np.rint(np.fmin(1.0, _ODD / np.fmax(error, _ODD)) / _WEIGHT_UNIT) * _WEIGHT_UNIT)


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
    return Fitted(model_of(learned, full), learned, rest_of(learned) - predicted)


def model_of(learned: Learned, full: Grown) -> Model:
    """Return the model of hedonic and trees."""
    surroundings = learned.surroundings
    lines, owner = surroundings.groups()
    numbers, categories = len(surroundings.plan.numeric), len(surroundings.plan.categories)
    curves, inputs = surroundings.hedonic.curves, learned.inputs
    effects = curves.effects(curves.scaled(inputs.numbers))
    levels = [level[inputs.codes[:, at]].mean() for at, level in enumerate(surroundings.hedonic.levels)]
    return Model(
        surroundings,
        full.trees,
        tabulate(full.trees, full.cover, owner),
        HEDONIC_SHARE,
        owner[:numbers].astype(np.int64),
        owner[numbers : numbers + categories].astype(np.int64),
        np.asarray(np.round(effects.mean(axis=0), _DIGITS), dtype=np.float64),
        np.asarray(np.round(levels, _DIGITS), dtype=np.float64),
        lines.index(LOCATION),
        round(float(surroundings.hedonic.surface.at(surroundings.position(inputs)).mean()), _DIGITS),
    )
