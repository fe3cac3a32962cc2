"""The layout of one ``result`` object, compiled: which texts and which numbers a row is made of, in their order.

A row is laid out as a script of texts and decimals first, which one loop then writes: laying out and writing stay
apart, and the loop is compiled once. No row depends on another, so a row's bytes are the same alone and in any batch.
"""

from typing import Final, NamedTuple, cast

import numpy as np

from processor.valuation.amounts import give_rest_to_largest, keep_largest, split, total_of
from processor.valuation.frame import Floats, Ints
from processor.valuation.model.jit import compiled
from processor.valuation.writing import Bytes, Script, Texts, decimal, own, phrase, shown, write

CONTRIBUTIONS_SHOWN: Final = 24
ADJUSTMENTS_SHOWN: Final = 6
_MOST_STEPS_A_COMPARABLE: Final = 16 + 4 * ADJUSTMENTS_SHOWN
_MOST_STEPS: Final = 32 + 6 * CONTRIBUTIONS_SHOWN


def _numbered(count: int) -> tuple[int, ...]:
    """Return 0, 1, 2 ... as numbers that are not Python's own: for each of those a function is compiled anew."""
    return cast("tuple[int, ...]", tuple(np.arange(count)))


METHOD, DATE, MONTH, EXTRAPOLATED, DETAILS, DIGEST, IMPUTED, FLAGS, FEATURE_TEXTS = _numbered(9)
"""The texts that every row has, in this order; those of text features follow."""

HEAD_AMOUNTS: Final = 6
"""How many of the amounts come before the method; the others come behind the contributions."""

JOINTS: Final = (
    b",",
    b"}",
    b"]",
    b"null",
    b',"valuation_method_used":',
    b',"valuation_date":"',
    b'","comparables_used":[',
    b'],"comparables":[',
    b',"adjustments":[',
    b'],"adjusted_price":',
    b',"distance":',
    b',"weight":',
    b',"dollars":',
    b'],"contributions":[',
    b',"month":"',
    b'","extrapolated":',
    b'","inputs_imputed":',
    b',"flags":',
)
(
    _COMMA, _CLOSE, _END_OF_LIST, _NULL, _METHOD_USED, _ON_DATE, _USED, _GRID, _ADJUSTMENTS, _ADJUSTED, _DISTANCE,
    _WEIGHT, _DOLLARS, _CONTRIBUTIONS, _IN_MONTH, _IS_EXTRAPOLATED, _IS_IMPUTED, _HAS_FLAGS,
) = _numbered(len(JOINTS))  # fmt: skip
_CENTS, _METRES, _SHARE = _numbered(5)[2:]


class Phrases(NamedTuple):
    """Texts that stay the same, and where each kind of them begins: the joints first, two ``tail`` texts in the end.

    ``tail`` leads to the inputs' hash, and closes with the notice; ``price`` [s] is what each sale was sold for.
    """

    texts: Texts
    contribution: int
    adjustment: int
    sale_id: int
    sale_head: int
    tail: int
    price: Floats


class Comparison(NamedTuple):
    """The comparables of each row, best first [n, k]: as ``explanation.Grid``."""

    sale: Ints
    time: Floats
    effects: Floats
    weight: Floats
    distance: Floats


class Batch(NamedTuple):
    """``n`` rows: amounts [n, m] as whole multiples of 10**-digits, effects and dollars.

    ``texts`` holds the labels of the amounts first, then ``width`` texts a row. ``inputs`` are the numbers read [n x
    features] as texts; ``text_of`` [features] says which of a row's texts is a feature's, -1 where it is a number.
    """

    texts: Texts
    width: int
    inputs: Texts
    text_of: Ints
    amounts: Floats
    digits: Ints
    effects: Floats
    base: Floats
    modelled: Floats
    value: Floats


@compiled
def write_rows(phrases: Phrases, batch: Batch, comparison: Comparison, out: Bytes) -> Ints:
    """Write all rows one behind the other; return where each begins, and where the last one ends."""
    n, most = comparison.sale.shape
    steps = _MOST_STEPS + 2 * batch.amounts.shape[1] + most * _MOST_STEPS_A_COMPARABLE
    script = Script(np.empty(steps, np.int64), np.empty(steps))
    begins = np.zeros(n + 1, np.int64)
    for row in range(n):
        at = _head(script, 0, batch, row)
        at = _comparables(script, at, phrases, comparison, row)
        at = _contributions(script, at, phrases, batch, row)
        at = _tail(script, at, phrases, batch, row)
        begins[row + 1] = write(script, at, (phrases.texts, batch.texts, batch.inputs), out, begins[row])
    return begins


@compiled
def _amounts(script: Script, at: int, batch: Batch, row: int, columns: tuple[int, int]) -> int:
    for column in range(columns[0], columns[1]):
        at = own(script, at, column)
        at = decimal(script, at, batch.amounts[row, column], batch.digits[column])
    return at


@compiled
def _text(script: Script, at: int, batch: Batch, row: int, which: int) -> int:
    return own(script, at, batch.amounts.shape[1] + row * batch.width + which)


@compiled
def _head(script: Script, at: int, batch: Batch, row: int) -> int:
    at = _amounts(script, at, batch, row, (0, HEAD_AMOUNTS))
    at = phrase(script, at, _METHOD_USED)
    at = _text(script, at, batch, row, METHOD)
    at = phrase(script, at, _ON_DATE)
    return _text(script, at, batch, row, DATE)


@compiled
def _comparables(script: Script, at: int, phrases: Phrases, comparison: Comparison, row: int) -> int:
    """Lay out the ids, then the grid."""
    at = phrase(script, at, _USED)
    sales = comparison.sale[row]
    first = at
    for sale in sales:
        if sale >= 0:
            at = at if at == first else phrase(script, at, _COMMA)
            at = phrase(script, at, phrases.sale_id + sale)
    at = phrase(script, at, _GRID)
    first = at
    for rank in range(len(sales)):
        if sales[rank] >= 0:
            at = at if at == first else phrase(script, at, _COMMA)
            at = _comparable(script, at, phrases, comparison, (row, rank))
    return phrase(script, at, _CONTRIBUTIONS)


@compiled
def _comparable(script: Script, at: int, phrases: Phrases, comparison: Comparison, place: tuple[int, int]) -> int:
    """Lay out price + time adjustment + line items = adjusted price, to the cent."""
    sale, effects = comparison.sale[place], comparison.effects[place[0], place[1]]
    price = phrases.price[sale]
    timed = price * np.exp(comparison.time[place])
    cents = np.empty(len(effects))
    items = split(effects, timed, timed * np.exp(total_of(effects)), cents)
    time = np.rint((timed - price) * 100.0)
    at = phrase(script, at, phrases.sale_head + sale)
    at = decimal(script, at, time, _CENTS)
    at = phrase(script, at, _ADJUSTMENTS)
    at = _adjustments(script, at, phrases, cents)
    at = phrase(script, at, _ADJUSTED)
    at = decimal(script, at, np.rint(price * 100.0) + time + items, _CENTS)
    at = phrase(script, at, _DISTANCE)
    at = decimal(script, at, np.rint(comparison.distance[place] * 1e3), _METRES)
    at = phrase(script, at, _WEIGHT)
    at = decimal(script, at, np.rint(comparison.weight[place] * 1e4), _SHARE)
    return phrase(script, at, _CLOSE)


@compiled
def _adjustments(script: Script, at: int, phrases: Phrases, cents: Floats) -> int:
    """Lay out the line items; those of no amount are left out."""
    feature, amount = np.empty(ADJUSTMENTS_SHOWN, np.int64), np.empty(ADJUSTMENTS_SHOWN)
    first = at
    for item in range(keep_largest(cents, feature, amount)):
        if amount[item] != 0:
            at = at if at == first else phrase(script, at, _COMMA)
            at = phrase(script, at, phrases.adjustment + feature[item])
            at = decimal(script, at, amount[item], _CENTS)
            at = phrase(script, at, _CLOSE)
    return at


@compiled
def _contributions(script: Script, at: int, phrases: Phrases, batch: Batch, row: int) -> int:
    """Lay out what each feature adds: base + contributions + local correction = value, to the cent."""
    cents = np.empty(batch.effects.shape[1])
    given = split(batch.effects[row], batch.base[row], batch.modelled[row], cents)
    local = np.rint((batch.value[row] - batch.modelled[row]) * 100.0)
    rest = np.rint(batch.value[row] * 100.0) - (np.rint(batch.base[row] * 100.0) + given + local)
    give_rest_to_largest(cents, rest)
    feature, amount = np.empty(CONTRIBUTIONS_SHOWN, np.int64), np.empty(CONTRIBUTIONS_SHOWN)
    for item in range(keep_largest(cents, feature, amount)):
        at = at if item == 0 else phrase(script, at, _COMMA)
        at = phrase(script, at, phrases.contribution + feature[item])
        at = _input(script, at, batch, row, feature[item])
        at = phrase(script, at, _DOLLARS)
        at = decimal(script, at, amount[item], _CENTS)
        at = phrase(script, at, _CLOSE)
    return phrase(script, at, _END_OF_LIST)


@compiled
def _input(script: Script, at: int, batch: Batch, row: int, feature: int) -> int:
    """Lay out what is known of a feature; nothing is for the sum of the small ones."""
    count = len(batch.text_of)
    if feature == count:
        return phrase(script, at, _NULL)
    if batch.text_of[feature] >= 0:
        return _text(script, at, batch, row, batch.text_of[feature])
    return shown(script, at, row * count + feature)


@compiled
def _tail(script: Script, at: int, phrases: Phrases, batch: Batch, row: int) -> int:
    at = _amounts(script, at, batch, row, (HEAD_AMOUNTS, batch.amounts.shape[1]))
    at = phrase(script, at, _IN_MONTH)
    at = _text(script, at, batch, row, MONTH)
    at = phrase(script, at, _IS_EXTRAPOLATED)
    at = _text(script, at, batch, row, EXTRAPOLATED)
    at = _text(script, at, batch, row, DETAILS)
    at = phrase(script, at, phrases.tail)
    at = _text(script, at, batch, row, DIGEST)
    at = phrase(script, at, _IS_IMPUTED)
    at = _text(script, at, batch, row, IMPUTED)
    at = phrase(script, at, _HAS_FLAGS)
    at = _text(script, at, batch, row, FLAGS)
    return phrase(script, at, phrases.tail + 1)
