"""Random draws that are the same bytes on every machine and with every version of numpy.

Only the raw output of PCG64 and exactly rounded operations (+, -, *, /, sqrt) are used: logarithms, exponentials and
numpy's own distributions may differ in the last bit from one build to the next.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BITS: Final = 53


class Draws:
    """A stream of independent draws from one seed."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def uniform(self, n: int) -> Floats:
        """Draw ``n`` numbers from [0, 1)."""
        raw = self._bits.random_raw(n)
        return (raw >> np.uint64(64 - _BITS)).astype(np.float64) * 2.0**-_BITS

    def between(self, n: int, low: float, high: float) -> Floats:
        """Draw ``n`` numbers from [low, high)."""
        return low + (high - low) * self.uniform(n)

    def bell(self, n: int) -> Floats:
        """Draw ``n`` numbers of mean 0 and deviation 1, bell-shaped, within 6: the sum of twelve uniforms less 6."""
        total = np.full(n, -6.0)
        for _ in range(12):
            total = total + self.uniform(n)
        return total

    def chance(self, n: int, probability: float | Floats) -> NDArray[np.bool_]:
        """Draw ``n`` times yes with the given probability."""
        return self.uniform(n) < probability

    def pick(self, n: int, weights: Sequence[float]) -> Ints:
        """Draw ``n`` indices with probabilities in proportion to the weights."""
        bounds = [0.0]
        for weight in weights:
            bounds.append(bounds[-1] + weight)
        at = self.uniform(n) * bounds[-1]
        return np.searchsorted(np.array(bounds[1:]), at, side="right").astype(np.int64)
