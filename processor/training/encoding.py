"""Categories as numbers: what a level is worth, learned from the other folds for the rows that training reads."""

from typing import Final

import numpy as np

from processor.valuation.frame import Floats, Ints

_PRIOR_SALES: Final = 8.0
"""A level is held back towards the average as if it had this many average sales more."""


def level_means(codes: Ints, target: Floats, size: int, prior: float = _PRIOR_SALES) -> Floats:
    """Return per code the shrunk mean of ``target``; a code without sales has the overall mean."""
    counts = np.bincount(codes, minlength=size).astype(np.float64)
    sums = np.bincount(codes, weights=target, minlength=size)
    overall = float(target.mean()) if len(target) else 0.0
    return (sums + prior * overall) / (counts + prior)


def out_of_fold(codes: Ints, target: Floats, size: int, fold: Ints, prior: float = _PRIOR_SALES) -> Floats:
    """Return for each row its level's mean over the sales of the other folds."""
    out = np.empty(len(codes))
    for part in np.unique(fold):
        inside = fold == part
        out[inside] = level_means(codes[~inside], target[~inside], size, prior)[codes[inside]]
    return out
