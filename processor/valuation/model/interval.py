"""How far off a value may be: a conformal interval whose width follows what is known of each property.

A small ensemble learns the size of the error from the honest residuals; the quantiles of error over size on the last
forward months make intervals that cover what they promise (normalised split conformal, Papadopoulos et al. 2008).
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
    """Learned error sizes; ``half90`` and ``half68`` are the quantiles of error over size."""

    size: Trees
    half90: float
    half68: float

    @staticmethod
    def signs(matrix: Floats, log_price: Floats, spread: Floats, distance: Floats) -> Floats:
        """Return what tells the size of an error [n, F + 3]."""
        return np.concatenate([matrix, np.stack([log_price, spread, distance], axis=1)], axis=1)

    def sizes(self, signs: Floats) -> Floats:
        """Return the expected size of each error, in log price."""
        return np.exp(self.size.predict(signs))

    def halves(self, size: Floats, doubt: Floats) -> tuple[Floats, Floats]:
        """Return the half-widths of the 90 % and the 68 % interval; ``doubt`` is a further standard deviation."""
        wide = np.hypot(self.half90 * size, _Z90 * doubt)
        return np.fmin(wide, _WIDEST), np.fmin(np.hypot(self.half68 * size, doubt), _WIDEST)


def quantile(score: Floats, level: float) -> float:
    """Return the split-conformal quantile: the ceil((n + 1) level)-th smallest score, the largest where n is small."""
    n = len(score)
    rank = min(int(np.ceil((n + 1) * level)), n)
    return float(np.sort(score)[rank - 1])
