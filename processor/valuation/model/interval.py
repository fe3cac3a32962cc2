"""How far off a value may be: a conformal interval whose width follows what is known of each property.

A small ensemble learns the size of the error from the honest residuals; the quantiles of error over size, downwards and
upwards and by price, make intervals that cover what they promise (normalised split conformal, Papadopoulos et al.
2008). How many of those the last forward months needed stretches them all.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from processor.valuation.frame import Floats
from processor.valuation.model.trees import Trees

LEVEL: Final = 0.9
ONE_SD: Final = 0.6827
_Z90: Final = 1.6448536269514722
_WIDEST: Final = 3.0
FLOOR: Final = 0.01
"""Added to an absolute residual before its logarithm is taken, so that a lucky hit does not count as certainty."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Learned error sizes, and how many of them an interval needs.

    ``down`` and ``up`` [m] are the 5 % quantiles of error over size on either side, at the log prices ``at`` [m];
    ``half68`` is the quantile for one standard deviation.
    """

    size: Trees
    at: Floats
    down: Floats
    up: Floats
    half68: float

    @staticmethod
    def signs(matrix: Floats, log_price: Floats, spread: Floats, distance: Floats) -> Floats:
        """Return what tells the size of an error [n, F + 3]."""
        return np.concatenate([matrix, np.stack([log_price, spread, distance], axis=1)], axis=1)

    def sizes(self, signs: Floats) -> Floats:
        """Return the expected size of each error, in log price."""
        return np.exp(self.size.predict(signs))

    def halves(self, log_price: Floats, size: Floats, doubt: Floats) -> tuple[Floats, Floats, Floats]:
        """Return how far the 90 % interval reaches down and up, and the half-width of the 68 % interval, in log price.

        ``doubt`` is a further standard deviation; ``log_price`` is the model's at the index's base month.
        """
        further = _Z90 * doubt
        down = np.hypot(np.interp(log_price, self.at, self.down) * size, further)
        up = np.hypot(np.interp(log_price, self.at, self.up) * size, further)
        one_sd = np.hypot(self.half68 * size, doubt)
        return np.fmin(down, _WIDEST), np.fmin(up, _WIDEST), np.fmin(one_sd, _WIDEST)


def quantile(score: Floats, level: float) -> float:
    """Return the split-conformal quantile: the ceil((n + 1) level)-th smallest score, the largest where n is small."""
    n = len(score)
    rank = min(int(np.ceil((n + 1) * level)), n)
    return float(np.sort(score)[rank - 1])
