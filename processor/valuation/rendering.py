"""Writes explained values as JSON, a whole batch at a time.

Dictionaries per row cost several times more than the valuation itself. Here the numbers of a batch are written by a few
calls, every constant text exists once, and a row is the concatenation of its pieces. Amounts become whole cents before
they are written and totals are sums of those, so the sums that the contract promises hold exactly in what people read.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
import orjson

from processor.valuation.explanation import Explained, Grid, Inputs
from processor.valuation.frame import Floats, Ints, Objects, Sales
from processor.valuation.plausibility import Bools

COMPARABLES_SHOWN: Final = 5
INTERVAL_LEVEL: Final = 0.9
NOTICE: Final = "Mass appraisal estimate. Land and improvement values are an allocation of the total."

_CONTRIBUTIONS_SHOWN: Final = 24
_ADJUSTMENTS_SHOWN: Final = 6
_NEGLIGIBLE: Final = 1e-9
_OTHER: Final = "other"
_EPOCH: Final = date(1970, 1, 1)
_ROUND_TO: Final = 100.0

Pieces = list[Objects | bytes]
"""Texts of one batch: one per row, or one for all rows."""


class Renderer:
    """Writes the ``result`` objects of one engine.

    The sales' identities and the feature names are written once, when it is built. ``render`` keeps no state and treats
    every row alike, so a row's bytes do not depend on its batch.
    """

    def __init__(self, features: Sequence[str], sales: Sales, version: str) -> None:
        names = [orjson.dumps(name) for name in (*features, _OTHER)]
        self._features = len(features)
        self._names = tuple(features)
        self._contribution = _constants([b'{"feature":%b,"value":' % name for name in names])
        self._adjustment = _constants([b'{"feature":%b,"amount":' % name for name in names])
        ids = [orjson.dumps(one) for one in sales.sale_id.tolist()]
        self._sale_id = _constants([*ids, b""])
        self._sale = _constants([*_sale_heads(sales, ids), b""])
        self._price = np.append(sales.price, 1.0)
        self._tail = b',"model_version":%b,"inputs_hash":"' % orjson.dumps(version)

    def render(self, batch: Explained) -> list[bytes]:
        """Return one JSON object per row."""
        dollars = np.rint(_shares(batch.effects, batch.base, batch.modelled) * 100.0)
        base = np.rint(batch.base * 100.0)
        local = np.rint((batch.value - batch.modelled) * 100.0)
        unrounded = (base + dollars.sum(axis=1) + local) / 100.0
        pieces: Pieces = [
            *_head(batch, unrounded),
            *self._comparables(batch.grid),
            b',"base_value":',
            tokens(base / 100.0),
            *self._contributions(dollars, batch.inputs),
            b',"local_correction":',
            tokens(local / 100.0),
            *_approaches(batch),
            *_allocation(unrounded, batch.land_share),
            *_market(batch),
            self._tail,
            *self._provenance(batch),
            b',"notice":%b}' % orjson.dumps(NOTICE),
        ]
        return _joined(pieces, len(batch.day))

    def _comparables(self, grid: Grid) -> Pieces:
        """Write the ids, then the grid: price + time adjustment + line items = adjusted price, to the cent."""
        found = grid.sale >= 0
        price = self._price[grid.sale]
        timed = price * np.exp(np.where(found, grid.time, 0.0))
        effects = np.where(found[..., None], grid.effects, 0.0)
        items = np.rint(_shares(effects, timed, timed * np.exp(effects.sum(axis=2))) * 100.0)
        time = np.rint((timed - price) * 100.0)
        adjusted = tokens((np.rint(price * 100.0) + time + items.sum(axis=2)) / 100.0)
        numbers = (tokens(time / 100.0), adjusted, tokens(np.round(grid.distance, 3)), tokens(np.round(grid.weight, 4)))
        feature, amount = _largest(items, _ADJUSTMENTS_SHOWN)
        lines = self._lines(feature, amount)
        pieces: Pieces = [b',"comparables_used":[']
        for rank in range(grid.sale.shape[1]):
            pieces += [_where(found[:, rank], _comma(rank)), self._sale_id[grid.sale[:, rank]]]
        pieces.append(b'],"comparables":[')
        for rank in range(grid.sale.shape[1]):
            shown = found[:, rank]
            time_text, adjusted_text, distance, weight = (number[:, rank] for number in numbers)
            pieces += [_where(shown, _comma(rank)), self._sale[grid.sale[:, rank]], _where(shown, time_text)]
            pieces.append(_where(shown, b',"adjustments":['))
            pieces += [line[:, rank] for line in lines]
            pieces += [_where(shown, b'],"adjusted_price":'), _where(shown, adjusted_text)]
            pieces += [_where(shown, b',"distance":'), _where(shown, distance)]
            pieces += [_where(shown, b',"weight":'), _where(shown, weight), _where(shown, b"}")]
        return [*pieces, b"]"]

    def _lines(self, feature: Ints, amount: Floats) -> list[Objects]:
        """Write line items [n, 5, items]; those of no amount are left out."""
        there = amount != 0
        first = there & (np.cumsum(there, axis=-1) == 1)
        number = tokens(amount / 100.0, b"}")
        lines: list[Objects] = []
        for item in range(amount.shape[-1]):
            lines.append(_where(there[..., item] & ~first[..., item], b","))
            lines.append(_where(there[..., item], self._adjustment[feature[..., item]]))
            lines.append(_where(there[..., item], number[..., item]))
        return lines

    def _contributions(self, dollars: Floats, inputs: Inputs) -> Pieces:
        feature, amount = _largest(dollars, _CONTRIBUTIONS_SHOWN)
        rows = np.arange(len(dollars))[:, None]
        numbers = np.column_stack([inputs.numbers, np.full(len(dollars), np.nan)])
        values = tokens(numbers[rows, feature], b',"dollars":')
        for position, texts in inputs.texts.items():
            row, rank = np.nonzero(feature == position)
            values[row, rank] = texts[row] + b',"dollars":'
        number = tokens(amount / 100.0, b"}")
        pieces: Pieces = [b',"contributions":[']
        for place in range(feature.shape[1]):
            pieces += [_comma(place), self._contribution[feature[:, place]], values[:, place], number[:, place]]
        return [*pieces, b"]"]

    def _provenance(self, batch: Explained) -> Pieces:
        flags = np.column_stack([*batch.flags.values(), np.zeros(len(batch.day), dtype=bool)])
        return [
            batch.inputs.digest,
            b'","inputs_imputed":',
            _name_lists(self._names, batch.inputs.imputed),
            b',"flags":',
            _name_lists(tuple(batch.flags), flags),
        ]


def tokens(numbers: Floats, suffix: bytes = b"") -> Objects:
    """Write every number as JSON, in the same shape: shortest form, no fraction where there is none, NaN as null."""
    flat = np.ascontiguousarray(numbers, dtype=np.float64).ravel() + 0.0  # -0.0 becomes 0.0
    if not len(flat):
        return np.empty(numbers.shape, dtype=object)
    text = orjson.dumps(flat, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1] + b","
    text = text.replace(b".0,", b",").replace(b",", suffix + b"\n")
    return _constants(text[:-1].split(b"\n")).reshape(numbers.shape)


def written(texts: Sequence[str | None]) -> Objects:
    """Write texts as JSON, null for None."""
    return _constants([orjson.dumps(text) for text in texts])


@lru_cache(maxsize=4096)
def iso_day(day: int) -> bytes:
    """Write days since 1970-01-01 as an ISO date."""
    return (_EPOCH + timedelta(days=day)).isoformat().encode()


def _constants(texts: Sequence[bytes]) -> Objects:
    table = np.empty(len(texts), dtype=object)
    table[:] = texts
    return table


def _where(shown: Bools, text: Objects | bytes) -> Objects:
    return (
        np.where(shown, text, b"") if isinstance(text, np.ndarray) else _constants([b"", text])[shown.astype(np.intp)]
    )


def _comma(rank: int) -> bytes:
    return b"," if rank else b""


def _joined(pieces: Pieces, rows: int) -> list[bytes]:
    table = np.empty((rows, len(pieces)), dtype=object)
    for column, piece in enumerate(pieces):
        table[:, column] = piece
    return [b"".join(row) for row in table.tolist()]


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
        every = np.broadcast_to(np.arange(count), amounts.shape)
        return every, amounts
    ranked = np.argpartition(-np.abs(amounts), most - 1, axis=-1)[..., : most - 1]
    chosen = np.sort(ranked, axis=-1)
    shown = np.take_along_axis(amounts, chosen, axis=-1)
    rest = amounts.sum(axis=-1) - shown.sum(axis=-1)
    return (
        np.concatenate([chosen, np.full((*chosen.shape[:-1], 1), count)], axis=-1),
        np.concatenate([shown, rest[..., None]], axis=-1),
    )


def _sale_heads(sales: Sales, ids: Sequence[bytes]) -> list[bytes]:
    documents = [orjson.dumps(one) for one in sales.document_number.tolist()]
    days = [iso_day(day) for day in sales.day.tolist()]
    prices = tokens(sales.price).tolist()
    head = b'{"sale_id":%b,"document_number":%b,"sale_date":"%b","sale_price":%b,"time_adjustment":'
    return [head % parts for parts in zip(ids, documents, days, prices, strict=True)]


def _name_lists(names: Sequence[str], marked: Bools) -> Objects:
    """Return for each row the JSON list of the names it is marked with; equal rows are written once."""
    lists = np.empty(len(marked), dtype=object)
    lists[:] = b"[]"
    seen: dict[bytes, bytes] = {}
    for row in np.flatnonzero(marked.any(axis=1)).tolist():
        key = marked[row].tobytes()
        if key not in seen:
            seen[key] = orjson.dumps([names[position] for position in np.flatnonzero(marked[row]).tolist()])
        lists[row] = seen[key]
    return lists


def rounded(dollars: Floats) -> Floats:
    """Round to what is reported: hundreds, at least one hundred."""
    return np.fmax(np.rint(dollars / _ROUND_TO) * _ROUND_TO, _ROUND_TO)


def _head(batch: Explained, unrounded: Floats) -> Pieces:
    confidence = np.asarray(np.round(np.fmin(np.fmax(1.0 - batch.fsd, 0.0), 1.0), 4), dtype=np.float64)
    columns: dict[bytes, Floats] = {
        b'{"estimated_value":': rounded(unrounded),
        b',"unrounded_value":': unrounded,
        b',"value_low":': rounded(batch.low),
        b',"value_high":': rounded(batch.high),
        b',"interval_level":%b,"confidence_score":' % orjson.dumps(INTERVAL_LEVEL): confidence,
        b',"fsd":': np.round(batch.fsd, 4),
    }
    pieces = _labelled(columns)
    days = _constants([iso_day(day) for day in batch.day.tolist()])
    return [*pieces, b',"valuation_method_used":', batch.method, b',"valuation_date":"', days, b'"']


def _labelled(columns: dict[bytes, Floats]) -> Pieces:
    written_columns = tokens(np.column_stack(list(columns.values())))
    pieces: Pieces = []
    for position, label in enumerate(columns):
        pieces += [label, written_columns[:, position]]
    return pieces


def _approaches(batch: Explained) -> Pieces:
    pieces: Pieces = [b',"approaches":{']
    for rank, (name, approach) in enumerate(batch.approaches.items()):
        value, weight = tokens(np.round(approach.value, 2)), tokens(np.round(approach.weight, 4))
        evidence = b',"evidence":%b}' % orjson.dumps(approach.evidence)
        pieces += [b'%b%b:{"value":' % (_comma(rank), orjson.dumps(name)), value, b',"weight":', weight, evidence]
    return [*pieces, b"}"]


def _allocation(unrounded: Floats, land_share: Floats) -> Pieces:
    total = rounded(unrounded)
    land = np.rint(total * land_share / _ROUND_TO) * _ROUND_TO
    return _labelled({b',"land_value":': land, b',"improvement_value":': total - land})


def _market(batch: Explained) -> Pieces:
    months = _constants([iso_day(day)[:7] for day in batch.day.tolist()])
    extrapolated = _constants([b"false", b"true"])[batch.market.extrapolated.astype(np.intp)]
    level = tokens(np.round(batch.market.level, 6))
    return [b',"market_index":{"month":"', months, b'","level":', level, b',"extrapolated":', extrapolated, b"}"]
