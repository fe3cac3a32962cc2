"""Symmetric regression trees served from arrays: predictions and additive explanations without the library that grew them.

In a symmetric tree every node of a level asks the same question, so a row's leaf is a number of ``depth`` bits, and what
each question contributes to the prediction (its SHAP value) depends on the leaf alone: both are looked up, not computed.
Rows are independent: a row gives the same bits alone and in any batch.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processor.valuation.frame import Floats
from processor.valuation.model.jit import compiled

Floats32 = NDArray[np.float32]
Small = NDArray[np.int32]

_BLOCK: Final = 32
"""Rows that go through one tree before the next tree is fetched: their leaves stay in registers, the tree in cache."""


@dataclass(frozen=True, slots=True)
class Trees:
    """An ensemble of ``T`` symmetric trees of one depth ``D``.

    ``feature`` and ``border`` [T, D]: a row answers question d of tree t with yes where x[feature] > border (never for
    NaN); yes sets bit d of the leaf's number. Shallower trees are padded with borders of infinity.
    ``leaf`` [T, 2**D] holds what each leaf adds to ``bias``.
    """

    feature: Small
    border: Floats32
    leaf: Floats
    bias: float

    def predict(self, matrix: Floats) -> Floats:
        """Return the prediction for each row of ``matrix`` [n, F]; features count as float32, as when grown."""
        return np.asarray(_predict(_columns(matrix), self.feature, self.border, self.leaf, self.bias))


@dataclass(frozen=True, slots=True)
class Explanation:
    """The exact SHAP values of an ensemble, tabulated.

    ``table`` [T, 2**D, D] holds what question d adds in a leaf; ``expected`` is the mean prediction over the training
    rows. Every prediction is ``expected`` plus the contributions of its row.
    """

    table: Floats
    expected: float

    def contributions(self, trees: Trees, matrix: Floats, groups: Small, n_groups: int) -> Floats:
        """Return [n, n_groups]: the contributions of each row's features, summed within ``groups[feature]``."""
        owner = groups[trees.feature].astype(np.int32)
        return np.asarray(_contributions(_columns(matrix), trees.feature, trees.border, self.table, owner, n_groups))


def _columns(matrix: Floats) -> Floats32:
    """Return the transpose in single precision: the rows of a block lie side by side."""
    return np.ascontiguousarray(matrix.T, dtype=np.float32)


@compiled
def _leaves(columns: Floats32, start: int, stop: int, feature: Small, border: Floats32, out: Small) -> None:
    for i in range(stop - start):
        out[i] = 0
    for d in range(len(feature)):
        column = columns[feature[d], start:stop]
        edge = border[d]
        bit = np.int32(1 << d)
        for i in range(stop - start):
            out[i] |= bit if column[i] > edge else np.int32(0)


@compiled
def _predict(columns: Floats32, feature: Small, border: Floats32, leaf: Floats, bias: float) -> Floats:
    n = columns.shape[1]
    out = np.full(n, bias)
    leaves = np.empty(_BLOCK, np.int32)
    for start in range(0, n, _BLOCK):
        stop = min(n, start + _BLOCK)
        for t in range(feature.shape[0]):
            _leaves(columns, start, stop, feature[t], border[t], leaves)
            for i in range(start, stop):
                out[i] += leaf[t, leaves[i - start]]
    return out


@compiled
def _contributions(
    columns: Floats32, feature: Small, border: Floats32, table: Floats, owner: Small, n_groups: int
) -> Floats:
    n = columns.shape[1]
    out = np.zeros((n, n_groups))
    leaves = np.empty(_BLOCK, np.int32)
    for start in range(0, n, _BLOCK):
        stop = min(n, start + _BLOCK)
        for t in range(feature.shape[0]):
            _leaves(columns, start, stop, feature[t], border[t], leaves)
            for i in range(start, stop):
                for d in range(feature.shape[1]):
                    out[i, owner[t, d]] += table[t, leaves[i - start], d]
    return out
