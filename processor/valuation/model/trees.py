"""Symmetric regression trees served from arrays: exact predictions and explanations, no learning library.

In a symmetric tree every node of a level asks the same question, so a row's leaf is a number of ``depth`` bits, and
what each question contributes to the prediction (its SHAP value) depends on the leaf alone: both are looked up, not
computed. Rows are independent: a row gives the same bits alone and in any batch.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processor.valuation.frame import Floats, Ints
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
        one = np.zeros(self.feature.shape, np.int32)
        count = np.ones(len(self.feature), np.int64)
        start = np.arange(len(self.feature)) * self.leaf.shape[1]
        table = np.ascontiguousarray(self.leaf).reshape(-1)
        return _looked_up(_columns(matrix), self.feature, self.border, (table, start, count, one), 1)[:, 0] + self.bias


@dataclass(frozen=True, slots=True)
class Explanation:
    """The exact SHAP values of an ensemble, tabulated and summed within the lines that people read.

    Tree t has ``count[t]`` entries per leaf in ``table``, from ``start[t]`` on, leaf by leaf; entry j belongs to line
    ``owner[t, j]``. ``expected`` is the mean prediction over the training rows: every prediction is ``expected`` plus
    the contributions of its row.
    """

    table: Floats
    start: Ints
    count: Ints
    owner: Small
    expected: float

    def contributions(self, trees: Trees, matrix: Floats, lines: int) -> Floats:
        """Return [n, lines]: what each line of the explanation adds for each row of ``matrix``."""
        entries = (self.table, self.start, self.count, self.owner)
        return _looked_up(_columns(matrix), trees.feature, trees.border, entries, lines)


def _columns(matrix: Floats) -> Floats32:
    """Return the transpose in single precision: the rows of a block lie side by side."""
    return np.ascontiguousarray(matrix.T, dtype=np.float32)


@compiled
def _looked_up(
    columns: Floats32, feature: Small, border: Floats32, entries: tuple[Floats, Ints, Ints, Small], lines: int
) -> Floats:
    """Add up the entries of every row's leaves, tree by tree: whole blocks side by side, the rest row by row."""
    n = columns.shape[1]
    out = np.empty((n, lines))
    blocks = n - n % _BLOCK
    leaves, sums = np.empty(_BLOCK, np.int32), np.empty((lines, _BLOCK))
    for first in range(0, blocks, _BLOCK):
        sums[:] = 0.0
        for t in range(feature.shape[0]):
            leaves[:] = 0
            for d in range(feature.shape[1]):
                asked, edge, bit = feature[t, d], border[t, d], np.int32(1 << d)
                for i in range(_BLOCK):
                    leaves[i] |= bit if columns[asked, first + i] > edge else np.int32(0)
            _add_block(sums, t, leaves, entries)
        for i in range(_BLOCK):
            for line in range(lines):
                out[first + i, line] = sums[line, i]
    for row in range(blocks, n):
        _look_up_one(out[row], columns[:, row], (feature, border), entries)
    return out


@compiled
def _add_block(sums: Floats, tree: int, leaves: Small, entries: tuple[Floats, Ints, Ints, Small]) -> None:
    """Add a tree's entries to ``sums`` [lines, block]: the rows of a block do not wait for one another."""
    table, start, count, owner = entries
    width = count[tree]
    for j in range(width):
        entry, total = table[start[tree] + j :], sums[owner[tree, j]]
        for i in range(_BLOCK):
            total[i] += entry[leaves[i] * width]


@compiled
def _look_up_one(
    out: Floats, row: Floats32, asked: tuple[Small, Floats32], entries: tuple[Floats, Ints, Ints, Small]
) -> None:
    """Find a row's leaves first and then their entries: the processor fetches many of them at once."""
    feature, border = asked
    table, start, count, owner = entries
    at = start.copy()
    for t in range(len(at)):
        leaf = 0
        for d in range(feature.shape[1]):
            leaf |= (1 << d) if row[feature[t, d]] > border[t, d] else 0
        at[t] += leaf * count[t]
    out[:] = 0.0
    for t in range(len(at)):
        for j in range(count[t]):
            out[owner[t, j]] += table[at[t] + j]
