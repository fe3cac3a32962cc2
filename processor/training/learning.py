"""Learning the model of a county from sorted, usable sales, with an honest residual for every one of them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from processor.training import boosting, surroundings
from processor.training.progress import Progress
from processor.training.surroundings import FOLDS, Learned
from processor.valuation.frame import Floats, Ints, Objects
from processor.valuation.model.features import Inputs, Plan
from processor.valuation.model.model import Model
from processor.valuation.model.shap import tabulate

WORKERS: Final = 2


@dataclass(frozen=True, slots=True)
class TrainingSales:
    """Sales to learn from, sorted by day and id."""

    plan: Plan
    inputs: Inputs
    day: Ints
    price: Floats
    property_id: Objects

    def take(self, rows: Ints) -> "TrainingSales":
        """Return the named sales."""
        return TrainingSales(
            self.plan, self.inputs.take(rows), self.day[rows], self.price[rows], self.property_id[rows]
        )


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model, what it learned from, and per sale the residual of a model that had not seen it (log price)."""

    model: Model
    learned: Learned
    residual: Floats


def trees_to_grow(sales: int, features: int, *, folds: bool) -> int:
    """Return how many steps of progress one ``fit`` takes."""
    return boosting.recipe_for(sales, features).trees * (1 + FOLDS * folds)


def fit(sales: TrainingSales, progress: Progress, *, folds: bool = True) -> Fitted:
    """Learn a model; without ``folds`` the residuals are those of the sales the model has seen (NaN)."""
    learned = surroundings.learn(sales.plan, sales.inputs, sales.day, sales.price, sales.property_id)
    recipe = boosting.recipe_for(len(sales.day), learned.matrix.shape[1])

    def grow(left_out: int | None) -> boosting.Grown:
        rows = np.flatnonzero(learned.fold != left_out) if left_out is not None else np.arange(len(sales.day))
        return boosting.grow(recipe, learned.matrix[rows], learned.target[rows], grown=progress.step)

    jobs = [None, *range(FOLDS)] if folds else [None]
    with ThreadPoolExecutor(WORKERS) as pool:
        full, *others = pool.map(grow, jobs)
    residual = np.full(len(sales.day), np.nan)
    for part, grown in enumerate(others):
        inside = learned.fold == part
        residual[inside] = learned.target[inside] - grown.trees.predict(learned.matrix[inside])
    model = Model(learned.surroundings, full.trees, tabulate(full.trees, full.cover))
    return Fitted(model, learned, residual)
