"""Exact SHAP values of symmetric trees, tabulated once per training (path-dependent TreeSHAP, Lundberg et al. 2020).

Every level of a symmetric tree asks one question, so the value of a coalition of features is the leaf table averaged
over the levels outside the coalition, weighted by how many training rows went each way. That needs 2**D small steps per
tree instead of a recursion per row, and its result depends only on the leaf a row falls into.
"""

import math

import numpy as np

from processor.valuation.frame import Floats
from processor.valuation.model.jit import compiled
from processor.valuation.model.trees import Explanation, Floats32, Small, Trees


def tabulate(trees: Trees, cover: Floats, line_of: Small) -> Explanation:
    """Return the SHAP table of ``trees``; ``cover`` [T, 2**D] is the weight of the training rows in each leaf.

    ``line_of`` [F] is the line of the explanation that each feature counts in; with a line for every feature the result
    equals what CatBoost reports as ``ShapValues`` to rounding (1e-10).
    """
    depth = trees.feature.shape[1]
    factorial = np.array([math.factorial(i) for i in range(depth + 1)], dtype=np.float64)
    table, expected = _tabulate(trees.feature, trees.border, trees.leaf, cover, factorial)
    return _by_line(table, line_of[trees.feature], float(expected) + trees.bias)


def _by_line(table: Floats, owner: Small, expected: float) -> Explanation:
    """Sum the entries of a tree that count in the same line."""
    n_trees, leaves, depth = table.shape
    owners, count, parts = np.zeros((n_trees, depth), np.int32), np.zeros(n_trees, np.int64), []
    for t in range(n_trees):
        asked = np.flatnonzero(table[t].any(axis=0))
        lines = np.unique(owner[t, asked])
        summed = np.zeros((leaves, len(lines)))
        for d in asked:
            summed[:, np.searchsorted(lines, owner[t, d])] += table[t, :, d]
        owners[t, : len(lines)], count[t] = lines, len(lines)
        parts.append(summed.ravel())
    start = np.concatenate([[0], np.cumsum(count * leaves)[:-1]])
    return Explanation(np.concatenate(parts), start, count, owners, expected)


@compiled
def _slots(feature: Small, border: Floats32, slot: Small, first: Small) -> int:
    """Number the distinct features of a tree; ``slot[d]`` is the number of level d's, -1 for padding."""
    known = 0
    for d in range(len(feature)):
        slot[d] = -1
        if border[d] == np.inf:
            continue
        for earlier in range(known):
            if feature[first[earlier]] == feature[d]:
                slot[d] = earlier
        if slot[d] < 0:
            first[known] = d
            slot[d] = known
            known += 1
    return known


@compiled
def _average_level(values: Floats, cover: Floats, level: int) -> None:
    """Replace both answers of ``level`` by their average, weighted by the rows behind them given the levels above."""
    half = 1 << level
    for node in range(0, len(values), half << 1):
        no = yes = 0.0
        for z in range(half):
            no += cover[node + z]
            yes += cover[node + half + z]
        share = yes / (no + yes) if no + yes > 0 else 0.0
        for z in range(half):
            mean = (1.0 - share) * values[node + z] + share * values[node + half + z]
            values[node + z] = mean
            values[node + half + z] = mean


@compiled
def _coalitions(leaf: Floats, cover: Floats, slot: Small, known: int) -> Floats:
    """Return [2**known, leaves]: the expected value in each leaf when only the coalition's answers are given."""
    worth = np.empty((1 << known, len(leaf)))
    for coalition in range(1 << known):
        worth[coalition] = leaf
        for level in range(len(slot)):
            if slot[level] < 0 or not (coalition >> slot[level]) & 1:
                _average_level(worth[coalition], cover, level)
    return worth


@compiled
def _shapley(worth: Floats, known: int, player: int, factorial: Floats, out: Floats) -> None:
    for coalition in range(1 << known):
        if (coalition >> player) & 1:
            continue
        size = 0
        for other in range(known):
            size += (coalition >> other) & 1
        weight = factorial[size] * factorial[known - size - 1] / factorial[known]
        for x in range(len(out)):
            out[x] += weight * (worth[coalition | (1 << player), x] - worth[coalition, x])


@compiled
def _tabulate(feature: Small, border: Floats32, leaf: Floats, cover: Floats, factorial: Floats) -> tuple[Floats, float]:
    n_trees, depth = feature.shape
    table = np.zeros((n_trees, 1 << depth, depth))
    expected = 0.0
    slot, first = np.empty(depth, np.int32), np.empty(depth, np.int32)
    gain = np.empty(1 << depth)
    for t in range(n_trees):
        known = _slots(feature[t], border[t], slot, first)
        worth = _coalitions(leaf[t], cover[t], slot, known)
        expected += worth[0, 0]
        for player in range(known):
            gain[:] = 0.0
            _shapley(worth, known, player, factorial, gain)
            table[t, :, first[player]] = gain
    return table, expected
