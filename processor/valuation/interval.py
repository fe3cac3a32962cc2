"""How far off a value may be: a conformal interval whose width follows what is known about each property."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from processor.valuation.frame import Floats

LEVEL: Final = 0.9
_ONE_SD: Final = 0.6827
_Z90: Final = float(special.ndtri(0.5 + LEVEL / 2))

_FLOOR: Final = 0.02
_SALES_FOR_SHAPE: Final = 100
_SALES_FOR_QUANTILES: Final = 40
_RIDGE: Final = 5.0
_PRIOR_SD: Final = 0.25
_PRIOR_SALES: Final = 5.0
_WIDEST: Final = 3.0


@dataclass(frozen=True, slots=True)
class Spread:
    """Turns what is known of a value's surroundings into the half-widths of its intervals, in log price.

    ``coefficients`` model the log of the absolute error; ``half90`` and ``half68`` are the quantiles of error / model
    on sales that were valued as if they had not been seen.
    """

    coefficients: Floats
    centre: Floats
    scale: Floats
    lowest: Floats
    half90: float
    half68: float

    @classmethod
    def calibrated(cls, error: Floats, signs: Floats) -> "Spread":
        """Calibrate on left-out errors [n] (log price) and the signs [n, signs] that may tell their size."""
        centre, scale = signs.mean(axis=0), np.fmax(signs.std(axis=0), 1e-9)
        lowest = np.quantile(signs, 0.01, axis=0)
        coefficients = np.zeros(1 + signs.shape[1])
        if len(error) >= _SALES_FOR_SHAPE:
            coefficients = _size_model(error, (signs - centre) / scale)
        elif len(error):
            prior = ((error**2).sum() + _PRIOR_SALES * _PRIOR_SD**2) / (len(error) + _PRIOR_SALES)
            coefficients[0] = np.log(np.sqrt(prior))
        coefficients = np.asarray(np.round(coefficients, 9), dtype=np.float64)
        shape = cls(coefficients, centre, scale, lowest, 1.0, 1.0)
        score = np.abs(error) / shape._size(signs)
        half90, half68 = (_quantile(score, level) for level in (LEVEL, _ONE_SD))
        return cls(shape.coefficients, centre, scale, lowest, half90, half68)

    def _size(self, signs: Floats) -> Floats:
        """Return the expected absolute error; far outside what was seen it goes on growing, but never shrinks."""
        scaled = (np.fmax(signs, self.lowest) - self.centre) / self.scale
        logarithm = self.coefficients[0] + (scaled * self.coefficients[1:]).sum(axis=1)
        size: Floats = np.exp(np.clip(logarithm, np.log(_FLOOR), np.log(_WIDEST)))
        return size

    def halves(self, signs: Floats, doubt: Floats) -> tuple[Floats, Floats]:
        """Return the half-widths of the 90 % and the 68 % interval; ``doubt`` is a further standard deviation."""
        size = self._size(signs)
        wide = np.hypot(self.half90 * size, _Z90 * doubt)
        return np.fmin(wide, _WIDEST), np.fmin(np.hypot(self.half68 * size, doubt), _WIDEST)


def _size_model(error: Floats, scaled: Floats) -> Floats:
    """Regress the log of the absolute error on the signs; only signs that widen with distance are let through."""
    target = np.log(np.abs(error) + _FLOOR)
    typical = float(target.mean())
    # Sums instead of BLAS products, whose last bits depend on the number of threads.
    gram = (scaled[:, :, None] * scaled[:, None, :]).sum(axis=0) + _RIDGE * np.eye(scaled.shape[1])
    slopes = np.linalg.solve(gram, (scaled * (target - typical)[:, None]).sum(axis=0))
    return np.concatenate([[typical], np.fmax(slopes, 0.0)])


def _quantile(score: Floats, level: float) -> float:
    """Return the split-conformal quantile; with few sales, that of a t distribution around the pooled spread."""
    n = len(score)
    if n < _SALES_FOR_QUANTILES:
        return float(special.stdtrit(n + 1, 0.5 + level / 2))
    rank = min(int(np.ceil((n + 1) * level)), n)
    return float(np.sort(score)[rank - 1])
