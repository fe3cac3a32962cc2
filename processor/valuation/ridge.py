"""Robust ridge regression on many rows in little memory: the numerical core of the hedonic.

Solved twice, once to see which rows are far off and once with those counting less. The design is kept in single
precision and used in blocks of rows, so that a county of 20,000 sales needs some 50 MB while it is fitted, not 300.

The same rows give the same bits on any number of threads, which BLAS by itself does not promise: terms and weights are
rounded to binary fractions, so that the sums of their products are exact in any order, and the inverse is refined until
its rounding is the only error left.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from processor.valuation.frame import Floats

_RIDGES: Final = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_FIRST_RIDGE: Final = 3.0
_ROWS_TO_CHOOSE_RIDGE: Final = 40
_FIRST_RESIDUAL_SD: Final = 0.25
_SMALLEST_SD: Final = 0.02
_HUBER: Final = 2.0
_LEAST_FREEDOM: Final = 0.1
_REFINEMENTS: Final = 3
_DIGITS: Final = 9
"""What comes out is rounded to this many decimals: far below a cent, far above what is left of rounding errors."""

_BLOCK: Final = 2_048
_TERM_UNIT: Final = 1.0 / 1_024
_WEIGHT_UNIT: Final = 1.0 / 64
"""Products of a weight and two terms are multiples of 2^-26: exact sums up to 2^27, more than any county's."""

Single = NDArray[np.float32]
Terms = Callable[[slice], Floats]
"""Returns the terms [rows, terms] of a slice of the rows."""

Penalty = Callable[[float, float], Floats]
"""Returns the penalty matrix for a ridge and the residuals' standard deviation."""


@dataclass(frozen=True, slots=True)
class Solution:
    """Coefficients, what they leave of each row, what they would leave had the row not been seen, and its weight."""

    coefficients: Floats
    residual: Floats
    left_out: Floats
    weight: Floats


def blocks(rows: int) -> Iterator[slice]:
    """Yield slices that cover all rows."""
    for start in range(0, rows, _BLOCK):
        yield slice(start, min(start + _BLOCK, rows))


class Regression:
    """A penalised least squares problem: the target, the terms that explain it, and what is believed beforehand."""

    def __init__(self, target: Floats, terms: Terms, prior: Floats, penalty: Penalty) -> None:
        self._target = target
        self._prior = prior
        self._penalty = penalty
        self._design: Single = np.empty((len(target), len(prior)), dtype=np.float32)
        for rows in blocks(len(target)):
            self._design[rows] = np.rint(terms(rows) / _TERM_UNIT) * _TERM_UNIT

    def solve_robustly(self) -> Solution:
        """Solve, weigh down what is far off (Huber), choose the ridge, and solve again."""
        first, _ = self._solve(np.ones(len(self._target)), _FIRST_RIDGE, _FIRST_RESIDUAL_SD)
        residual = self._residual(first)
        spread = robust_sd(residual)
        weight = np.rint(huber_weights(residual, spread) / _WEIGHT_UNIT) * _WEIGHT_UNIT
        coefficients, inverse = self._solve(weight, None, spread)
        residual = self._residual(coefficients)
        freedom = np.fmax(1.0 - weight * self._leverage(inverse), _LEAST_FREEDOM)
        return Solution(coefficients, residual, _settled(residual / freedom), weight)

    def coefficients_robustly(self, ridge: float | None = None) -> tuple[Floats, float]:
        """Return the coefficients alone and the ridge they were found with: quick where there are many terms."""
        first, _ = self._coefficients(np.ones(len(self._target)), _FIRST_RIDGE, _FIRST_RESIDUAL_SD)
        residual = self._residual(first)
        spread = robust_sd(residual)
        weight = np.rint(huber_weights(residual, spread) / _WEIGHT_UNIT) * _WEIGHT_UNIT
        return self._coefficients(weight, ridge, spread)

    def _coefficients(self, weight: Floats, ridge: float | None, spread: float) -> tuple[Floats, float]:
        gram, moment = self._normal_equations(weight)
        ridge = self._best_ridge(gram, moment, weight, spread) if ridge is None else ridge
        penalty = self._penalty(ridge, spread)
        matrix, wanted = gram + penalty, moment + (penalty * self._prior).sum(axis=1)
        factor = linalg.cho_factor(matrix)
        found = np.asarray(linalg.cho_solve(factor, wanted)).astype(np.longdouble)
        for _ in range(_REFINEMENTS):
            missing = wanted - (matrix.astype(np.longdouble) * found).sum(axis=1)
            found += linalg.cho_solve(factor, missing.astype(np.float64))
        return _settled(found.astype(np.float64)), ridge

    def _solve(self, weight: Floats, ridge: float | None, spread: float) -> tuple[Floats, Floats]:
        """Return the coefficients and the inverse of the penalised normal matrix."""
        gram, moment = self._normal_equations(weight)
        ridge = self._best_ridge(gram, moment, weight, spread) if ridge is None else ridge
        penalty = self._penalty(ridge, spread)
        inverse = _inverse(gram + penalty)
        coefficients = (inverse * (moment + (penalty * self._prior).sum(axis=1))).sum(axis=1)
        return _settled(coefficients), inverse

    def _normal_equations(self, weight: Floats) -> tuple[Floats, Floats]:
        gram, moment = np.zeros((len(self._prior), len(self._prior))), np.zeros(len(self._prior))
        for rows in blocks(len(self._target)):
            block = self._design[rows].astype(np.float64)
            weighted = block * weight[rows, None]
            gram += weighted.T @ block
            moment += (weighted * self._target[rows, None]).sum(axis=0)
        return gram, moment

    def _residual(self, coefficients: Floats) -> Floats:
        residual = self._target.copy()
        for rows in blocks(len(residual)):
            residual[rows] -= (self._design[rows].astype(np.float64) * coefficients).sum(axis=1)
        return residual

    def _leverage(self, inverse: Floats) -> Floats:
        leverage = np.empty(len(self._target))
        for rows in blocks(len(leverage)):
            block = self._design[rows].astype(np.float64)
            leverage[rows] = np.einsum("ij,ij->i", block @ inverse, block)
        return leverage

    def _best_ridge(self, gram: Floats, moment: Floats, weight: Floats, spread: float) -> float:
        """Choose the ridge by generalised cross-validation (Golub, Heath, Wahba 1979)."""
        n = float(weight.sum())
        if len(weight) < _ROWS_TO_CHOOSE_RIDGE:
            return _FIRST_RIDGE
        square = float((weight * self._target**2).sum())
        scores = []
        for ridge in _RIDGES:
            penalty = self._penalty(ridge, spread)
            factor = linalg.cho_factor(gram + penalty)
            coefficients = linalg.cho_solve(factor, moment + penalty @ self._prior)
            freedom = float(np.trace(linalg.cho_solve(factor, gram)))
            error = square - 2 * coefficients @ moment + coefficients @ gram @ coefficients
            scores.append(error / n / max(1.0 - freedom / n, _LEAST_FREEDOM) ** 2)
        return _RIDGES[int(np.argmin(scores))]


def _settled(values: Floats) -> Floats:
    return np.asarray(np.round(values, _DIGITS), dtype=np.float64)


def _inverse(matrix: Floats) -> Floats:
    """Invert, with one step of refinement in extended precision (Higham 2002, chapter 14)."""
    inverse = linalg.inv(matrix)
    identity = np.eye(len(matrix), dtype=np.longdouble)
    missing = identity - matrix.astype(np.longdouble) @ inverse.astype(np.longdouble)
    return np.asarray(inverse + inverse @ missing.astype(np.float64), dtype=np.float64)


def robust_sd(residual: Floats) -> float:
    """Return the standard deviation that the middle of the residuals suggests (1.4826 x median deviation)."""
    return max(float(1.4826 * np.median(np.abs(residual - np.median(residual)))), _SMALLEST_SD)


def huber_weights(residual: Floats, spread: float) -> Floats:
    """Return 1 for ordinary residuals and ever less for those beyond two standard deviations."""
    return np.fmin(1.0, _HUBER * spread / np.fmax(np.abs(residual), 1e-12))
