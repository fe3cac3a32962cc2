"""Amounts in whole cents: log effects as dollars, and the few largest of many. Compiled; each row by itself.

Amounts become whole cents before they are written and totals are sums of those, so the sums that the contract promises
hold exactly in what people read.
"""

from typing import Final

import numpy as np

from processor.valuation.frame import Floats, Ints
from processor.valuation.model.jit import compiled

_NEGLIGIBLE: Final = 1e-9
_ROUND_TO: Final = 100.0


def rounded(dollars: Floats) -> Floats:
    """Round to what is reported: hundreds, at least one hundred."""
    return np.fmax(np.rint(dollars / _ROUND_TO) * _ROUND_TO, _ROUND_TO)


def to_hundreds(dollars: Floats) -> Floats:
    """Round a part of a reported value to hundreds."""
    return np.rint(dollars / _ROUND_TO) * _ROUND_TO


@compiled
def total_of(effects: Floats) -> float:
    """Add up from left to right."""
    total = 0.0
    for effect in effects:
        total += effect
    return total


@compiled
def split(effects: Floats, before: float, after: float, cents: Floats) -> float:
    """Split ``after - before`` over effects in proportion to them, in whole ``cents``; return the sum of those.

    ``after`` = ``before`` x exp(sum of effects), so the factor is the logarithmic mean of the two amounts.
    """
    total, given = total_of(effects), 0.0
    factor = before if abs(total) < _NEGLIGIBLE else (after - before) / total
    for j in range(len(effects)):
        cents[j] = np.rint(effects[j] * factor * 100.0)
        given += cents[j]
    return given


@compiled
def give_rest_to_largest(cents: Floats, rest: float) -> None:
    """Add what rounding left to the largest amount, the first of equals."""
    largest = 0
    for j in range(1, len(cents)):
        if abs(cents[j]) > abs(cents[largest]):
            largest = j
    cents[largest] += rest


@compiled
def keep_largest(amounts: Floats, position: Ints, amount: Floats) -> int:
    """Fill in the largest amounts and their positions, in the order of the amounts; return how many there are.

    If not all fit, the last place takes the sum of the others, under the position behind the last.
    """
    count, most = len(amounts), len(position)
    if count <= most:
        for j in range(count):
            position[j], amount[j] = j, amounts[j]
        return count
    taken = np.zeros(count, np.bool_)
    for _ in range(most - 1):
        best = -1
        for j in range(count):
            if not taken[j] and (best < 0 or abs(amounts[j]) > abs(amounts[best])):
                best = j
        taken[best] = True
    at, amount[most - 1] = 0, 0.0
    for j in range(count):
        if taken[j]:
            position[at], amount[at] = j, amounts[j]
            at += 1
        else:
            amount[most - 1] += amounts[j]
    position[most - 1] = count
    return most
