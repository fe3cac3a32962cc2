"""Writes explained values as the ``result`` objects of the contract, a whole batch at a time.

Dictionaries per row cost several times more than the valuation itself. Here the numbers of a batch are written by a few
calls, every constant text exists once, and a row is the concatenation of its pieces. Amounts become whole cents before
they are written and totals are sums of those, so the sums that the contract promises hold exactly in what people read.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import orjson

from processor.valuation.explanation import Explained, Grid, Inputs
from processor.valuation.frame import Floats, Ints, Objects, Sales
from processor.valuation.model.jit import compiled
from processor.valuation.pieces import Piece, comma, iso_day, joined, name_lists, quoted, shown, texts, tokens

COMPARABLES_SHOWN: Final = 5
INTERVAL_LEVEL: Final = 0.9
NOTICE: Final = "Mass appraisal estimate. Land and improvement values are an allocation of the total."

_CONTRIBUTIONS_SHOWN: Final = 24
_ADJUSTMENTS_SHOWN: Final = 6
_NEGLIGIBLE: Final = 1e-9
_OTHER: Final = "other"
_CONFIDENCE: Final = b',"interval_level":%b,"confidence_score":' % orjson.dumps(INTERVAL_LEVEL)
_TRUTHS: Final = texts([b"false", b"true"])
_ROUND_TO: Final = 100.0
_COMMAS: Final = np.array([comma(rank) for rank in range(COMPARABLES_SHOWN)], dtype=object)


class Renderer:
    """Writes the ``result`` objects of one engine.

    The sales' identities and the feature names are written once, when it is built. ``render`` keeps no state and treats
    every row alike, so a row's bytes do not depend on its batch.
    """

    def __init__(self, features: Sequence[str], sales: Sales, version: str) -> None:
        names = [orjson.dumps(name) for name in (*features, _OTHER)]
        self._names = tuple(features)
        self._contribution = texts([b'{"feature":%b,"value":' % name for name in names])
        self._adjustment = texts([b'{"feature":%b,"amount":' % name for name in names])
        self._next_adjustment = texts([b',{"feature":%b,"amount":' % name for name in names])
        ids = [quoted(one) for one in sales.sale_id.tolist()]
        self._sale_id = texts([*ids, b""])
        self._sale = texts([*_sale_heads(sales, ids), b""])
        self._price = np.append(sales.price, 1.0)
        self._tail = b'},"model_version":%b,"inputs_hash":"' % orjson.dumps(version)

    def render(self, batch: Explained) -> list[bytes]:
        """Return one JSON object per row."""
        dollars = np.rint(_shares(batch.effects, batch.base, batch.modelled) * 100.0)
        base = np.rint(batch.base * 100.0)
        local = np.rint((batch.value - batch.modelled) * 100.0)
        cents = np.rint(batch.value * 100.0)
        largest = np.argmax(np.abs(dollars), axis=1)
        dollars[np.arange(len(cents)), largest] += cents - (base + dollars.sum(axis=1) + local)  # what rounding left
        unrounded = cents / 100.0
        flags = np.column_stack([*batch.flags.values(), np.zeros(len(batch.day), dtype=bool)])
        pieces: list[Piece] = [
            *_head(batch, unrounded),
            *self._comparables(batch.grid),
            *self._contributions(dollars, batch.inputs),
            *_sums(batch, base, local, unrounded),
            self._tail,
            batch.inputs.digest,
            b'","inputs_imputed":',
            name_lists(self._names, batch.inputs.imputed),
            b',"flags":',
            name_lists(tuple(batch.flags), flags),
            b',"notice":%b}' % orjson.dumps(NOTICE),
        ]
        return joined(pieces, len(batch.day))

    def _comparables(self, grid: Grid) -> list[Piece]:
        """Write the ids, then the grid: price + time adjustment + line items = adjusted price, to the cent."""
        found = grid.sale >= 0
        price = self._price[grid.sale]
        timed = price * np.exp(np.where(found, grid.time, 0.0))
        effects = np.where(found[..., None], grid.effects, 0.0)
        items = np.rint(_shares(effects, timed, timed * np.exp(effects.sum(axis=2))) * 100.0)
        time = np.rint((timed - price) * 100.0)
        adjusted = (np.rint(price * 100.0) + time + items.sum(axis=2)) / 100.0
        numbers = tokens(
            np.stack([time / 100.0, adjusted, np.round(grid.distance, 3), np.round(grid.weight, 4)], axis=2)
        )
        lines = self._lines(*_largest(items, _ADJUSTMENTS_SHOWN))
        commas = shown(found, np.broadcast_to(_COMMAS[: found.shape[1]], found.shape))
        rows = np.empty((*found.shape, 10 + lines.shape[2]), dtype=object)
        rows[..., 0], rows[..., 1] = commas, self._sale[grid.sale]
        rows[..., 2], rows[..., 3] = numbers[..., 0], b',"adjustments":['
        rows[..., 4:-6] = lines
        for place, label in enumerate((b'],"adjusted_price":', b',"distance":', b',"weight":')):
            rows[..., 2 * place - 6], rows[..., 2 * place - 5] = label, numbers[..., 1 + place]
        rows[..., -1] += b"}"
        if not found.all():
            rows[~found] = b""
        ids = np.stack([commas, self._sale_id[grid.sale]], axis=2)
        return [b',"comparables_used":[', _flat(ids), b'],"comparables":[', _flat(rows), b"]"]

    def _lines(self, feature: Ints, amount: Floats) -> Objects:
        """Write line items [n, 5, 2 x items]; those of no amount are left out."""
        there = amount != 0
        first = np.cumsum(there, axis=-1) == 1
        head = np.where(first, self._adjustment[feature], self._next_adjustment[feature])
        lines = np.stack([head, tokens(amount / 100.0, b"}")], axis=3)
        lines[~there] = b""
        return lines.reshape(*amount.shape[:-1], -1)

    def _contributions(self, dollars: Floats, inputs: Inputs) -> list[Piece]:
        feature, amount = _largest(dollars, _CONTRIBUTIONS_SHOWN)
        numbers = np.column_stack([inputs.numbers, np.full(len(dollars), np.nan)])
        values = tokens(np.take_along_axis(numbers, feature, axis=1), b',"dollars":')
        for position, words in inputs.texts.items():
            row, rank = np.nonzero(feature == position)
            values[row, rank] = words[row] + b',"dollars":'
        rows = np.stack([self._contribution[feature], values, tokens(amount / 100.0, b"},")], axis=2)
        rows[:, -1, -1] = tokens(amount[:, -1] / 100.0, b"}") if amount.shape[1] else b""
        return [b',"contributions":[', _flat(rows), b"]"]


def _flat(table: Objects) -> Objects:
    return table.reshape(len(table), -1)


def _shares(effects: Floats, before: Floats, after: Floats) -> Floats:
    """Split ``after - before`` over the effects [..., features] in proportion to them.

    ``after`` = ``before`` x exp(sum of effects), so the factor is the logarithmic mean of the two amounts.
    """
    total = effects.sum(axis=-1)
    small = np.abs(total) < _NEGLIGIBLE
    factor = np.where(small, before, (after - before) / np.where(small, 1.0, total))
    return effects * factor[..., None]


def _largest(amounts: Floats, most: int) -> tuple[Ints, Floats]:
    """Return the positions and amounts [..., <= most] of the largest, in the order of the features, the rest last.

    The rest is summed up under the position behind the last feature.
    """
    count = amounts.shape[-1]
    if count <= most:
        return np.broadcast_to(np.arange(count), amounts.shape), amounts
    position, amount = _kept(np.ascontiguousarray(amounts).reshape(-1, count), most - 1)
    shape = (*amounts.shape[:-1], most)
    return position.reshape(shape), amount.reshape(shape)


@compiled
def _kept(amounts: Floats, most: int) -> tuple[Ints, Floats]:
    """Keep the largest of each row, the first of equals, and put the sum of the others behind them."""
    n, count = amounts.shape
    position, amount = np.empty((n, most + 1), np.int64), np.zeros((n, most + 1))
    taken = np.empty(count, np.bool_)
    for i in range(n):
        taken[:] = False
        for _ in range(most):
            best = -1
            for j in range(count):
                if not taken[j] and (best < 0 or abs(amounts[i, j]) > abs(amounts[i, best])):
                    best = j
            taken[best] = True
        at = 0
        for j in range(count):
            if taken[j]:
                position[i, at], amount[i, at] = j, amounts[i, j]
                at += 1
            else:
                amount[i, most] += amounts[i, j]
        position[i, most] = count
    return position, amount


def _sale_heads(sales: Sales, ids: Sequence[bytes]) -> list[bytes]:
    properties = [quoted(one) for one in sales.property_id.tolist()]
    documents = [quoted(one) for one in sales.document_number.tolist()]
    days = [iso_day(day) for day in sales.day.tolist()]
    prices = tokens(sales.price).tolist()
    head = b'{"sale_id":%b,"property_id":%b,"document_number":%b,"sale_date":"%b","sale_price":%b,"time_adjustment":'
    return [head % parts for parts in zip(ids, properties, documents, days, prices, strict=True)]


def rounded(dollars: Floats) -> Floats:
    """Round to what is reported: hundreds, at least one hundred."""
    return np.fmax(np.rint(dollars / _ROUND_TO) * _ROUND_TO, _ROUND_TO)


def _labelled(columns: Sequence[tuple[bytes, Floats, int]]) -> list[Piece]:
    """Write each column behind its label, rounded to so many digits."""
    scale = np.array([10.0**digits for _, _, digits in columns])
    numbers = tokens(np.rint(np.array([column for _, column, _ in columns]).T * scale) / scale)
    pieces: list[Piece] = []
    for position, (label, _, _) in enumerate(columns):
        pieces += [label, numbers[:, position]]
    return pieces


def _head(batch: Explained, unrounded: Floats) -> list[Piece]:
    columns = [
        (b'{"estimated_value":', rounded(unrounded), 0),
        (b',"unrounded_value":', unrounded, 2),
        (b',"value_low":', rounded(batch.low), 0),
        (b',"value_high":', rounded(batch.high), 0),
        (_CONFIDENCE, np.fmin(np.fmax(1.0 - batch.fsd, 0.0), 1.0), 4),
        (b',"fsd":', batch.fsd, 4),
    ]
    days = _dates(batch.day)
    return [*_labelled(columns), b',"valuation_method_used":', batch.method, b',"valuation_date":"', days, b'"']


def _dates(day: Ints) -> Objects | bytes:
    """Write the dates; one text where there is only one."""
    if (day == day[0]).all():
        return iso_day(int(day[0]))
    return texts([iso_day(one) for one in day.tolist()])


def _months(day: Ints) -> Objects | bytes:
    if (day == day[0]).all():
        return iso_day(int(day[0]))[:7]
    return texts([iso_day(one)[:7] for one in day.tolist()])


def _sums(batch: Explained, base: Floats, local: Floats, unrounded: Floats) -> list[Piece]:
    """Write base value, local correction, approaches, land split and market level."""
    total = rounded(unrounded)
    land = np.rint(total * batch.land_share / _ROUND_TO) * _ROUND_TO
    columns = [(b',"base_value":', base / 100.0, 2), (b',"local_correction":', local / 100.0, 2)]
    before = b',"approaches":{'
    for name, approach in batch.approaches.items():
        columns.append((before + quoted(name) + b':{"value":', approach.value, 2))
        columns.append((b',"weight":', approach.weight, 4))
        before = b',"evidence":%b},' % _evidence(approach.evidence)
    columns.append((before[:-1] + b'},"land_value":', land, 0))
    columns.append((b',"improvement_value":', total - land, 0))
    columns.append((b',"market_index":{"level":', batch.market.level, 6))
    extrapolated = _TRUTHS[batch.market.extrapolated.astype(np.intp)]
    months = _months(batch.day)
    return [*_labelled(columns), b',"month":"', months, b'","extrapolated":', extrapolated, batch.market.details]


@lru_cache(maxsize=1024)
def _evidence(words: str) -> bytes:
    return quoted(words)
