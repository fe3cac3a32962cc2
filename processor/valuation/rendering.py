"""Writes explained values as the ``result`` objects of the contract, a whole batch at a time.

Dictionaries per row cost several times more than the valuation itself. Here every constant text is laid out once, what
differs by row is gathered by column, and compiled code (``rows``) writes the bytes.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Final

import numpy as np
import orjson

from processor.valuation.amounts import rounded, to_hundreds
from processor.valuation.explanation import Explained, Inputs
from processor.valuation.frame import Floats, Ints, Objects, Sales
from processor.valuation.pieces import iso_day, name_lists, quoted
from processor.valuation.plausibility import Bools
from processor.valuation.rows import (
    ADJUSTMENTS_SHOWN,
    CONTRIBUTIONS_SHOWN,
    FEATURE_TEXTS,
    JOINTS,
    Batch,
    Comparison,
    Phrases,
    write_rows,
)
from processor.valuation.writing import NUMBER_BYTES, laid_out, number_texts

COMPARABLES_SHOWN: Final = 5
INTERVAL_LEVEL: Final = 0.9
NOTICE: Final = "Mass appraisal estimate. Land and improvement values are an allocation of the total."

_OTHER: Final = "other"
_TRUTHS: Final = (b"false", b"true")
_HEAD: Final = (
    b'{"estimated_value":',
    b',"unrounded_value":',
    b',"value_low":',
    b',"value_high":',
    b',"interval_level":%b,"confidence_score":' % orjson.dumps(INTERVAL_LEVEL),
    b',"fsd":',
)
_MARKS: Final = 4
"""Bytes of commas and brackets around a contribution, a line item, a comparable."""


class Renderer:
    """Writes the ``result`` objects of one engine.

    The sales' identities and the feature names are laid out once, when it is built. ``render`` keeps no state and
    treats every row alike, so a row's bytes do not depend on its batch.
    """

    def __init__(self, features: Sequence[str], sales: Sales, version: str) -> None:
        names = [quoted(name) for name in (*features, _OTHER)]
        ids = [quoted(one) for one in sales.sale_id.tolist()]
        self._names = tuple(features)
        self._phrases = _phrases(names, ids, sales, version)
        self._longest = _longest_constant(self._phrases)

    def render(self, explained: Explained) -> list[bytes]:
        """Return one JSON object per row."""
        grid = explained.grid
        batch = self._batch(explained)
        room = self._longest + NUMBER_BYTES * len(batch.digits)
        labels, ends = int(batch.texts[1][len(batch.digits)]), int(batch.texts[1][-1])
        out = np.empty(len(explained.day) * (room + labels) + ends, dtype=np.uint8)
        comparison = Comparison(grid.sale, grid.time, grid.effects, grid.weight, grid.distance)
        begins = write_rows(self._phrases, batch, comparison, out).tolist()
        view = out.data
        return [bytes(view[start:end]) for start, end in pairwise(begins)]

    def _batch(self, explained: Explained) -> Batch:
        labels, amounts, digits = _amounts(explained)
        texts, width = _row_texts(explained, self._names)
        return Batch(
            texts=laid_out([*labels, *texts]),
            width=width,
            inputs=number_texts(explained.inputs.numbers),
            text_of=_text_of(explained.inputs, len(self._names)),
            amounts=amounts,
            digits=digits,
            effects=np.ascontiguousarray(explained.effects),
            base=explained.base,
            modelled=np.ascontiguousarray(explained.modelled),
            value=explained.value,
        )


def _phrases(names: Sequence[bytes], ids: Sequence[bytes], sales: Sales, version: str) -> Phrases:
    """Lay out what never changes."""
    kinds: tuple[Sequence[bytes], ...] = (
        JOINTS,
        [b'{"feature":%b,"value":' % name for name in names],
        [b'{"feature":%b,"amount":' % name for name in names],
        ids,
        _sale_heads(sales, ids),
        [b'},"model_version":%b,"inputs_hash":"' % quoted(version), b',"notice":%b}' % quoted(NOTICE)],
    )
    contribution, adjustment, sale_id, sale_head, tail, _ = accumulate(map(len, kinds))
    texts = laid_out([text for kind in kinds for text in kind])
    return Phrases(texts, contribution, adjustment, sale_id, sale_head, tail, price=np.ascontiguousarray(sales.price))


def _longest_constant(phrases: Phrases) -> int:
    """Return what a row may take at most, without its amounts and its own texts."""
    lengths = np.diff(phrases.texts[1])
    at = (0, phrases.contribution, phrases.adjustment, phrases.sale_id, phrases.sale_head, phrases.tail)
    joints, last = int(lengths[: at[1]].sum()), int(lengths[at[5] :].sum())
    contribution, adjustment, sale_id, sale_head = (
        int(lengths[start:end].max(initial=0)) for start, end in pairwise(at[1:])
    )
    sale = sale_id + sale_head + joints + 4 * NUMBER_BYTES + ADJUSTMENTS_SHOWN * (adjustment + NUMBER_BYTES + _MARKS)
    feature = contribution + joints + 2 * NUMBER_BYTES + _MARKS
    return joints + last + CONTRIBUTIONS_SHOWN * feature + COMPARABLES_SHOWN * (sale + _MARKS)


def _row_texts(explained: Explained, names: Sequence[str]) -> tuple[list[bytes], int]:
    """Return the texts of all rows, row by row, and how many each has."""
    inputs, n = explained.inputs, len(explained.day)
    days = [iso_day(day) for day in explained.day.tolist()]
    columns: list[Sequence[bytes]] = [
        explained.method.tolist(),
        days,
        [day[:7] for day in days],
        [_TRUTHS[yes] for yes in explained.market.extrapolated.tolist()],
        _each(explained.market.details, n),
        inputs.digest.tolist(),
        name_lists(names, inputs.imputed),
        name_lists(tuple(explained.flags), _marked(explained.flags, n)),
        *(words.tolist() for words in inputs.texts.values()),
    ]
    return [text for row in zip(*columns, strict=True) for text in row], len(columns)


def _each(piece: Objects | bytes, n: int) -> Sequence[bytes]:
    if isinstance(piece, bytes):
        return [piece] * n
    found: list[bytes] = piece.tolist()
    return found


def _marked(flags: Mapping[str, Bools], n: int) -> Bools:
    return np.column_stack([*flags.values(), np.zeros(n, dtype=bool)])


def _text_of(inputs: Inputs, features: int) -> Ints:
    """Say which of a row's texts is a feature's, -1 where the feature is a number."""
    text_of = np.full(features, -1, dtype=np.int64)
    text_of[np.array(list(inputs.texts), dtype=np.int64)] = FEATURE_TEXTS + np.arange(len(inputs.texts))
    return text_of


def _amounts(explained: Explained) -> tuple[Sequence[bytes], Floats, Ints]:
    """Return the labelled amounts of every row [n, m]: their labels, whole multiples of 10**-digits, and the digits."""
    cents = np.rint(explained.value * 100.0) / 100.0
    total = rounded(cents)
    land = to_hundreds(total * explained.land_share)
    local = explained.value - explained.modelled
    columns = [
        (total, 0),
        (cents, 2),
        (rounded(explained.low), 0),
        (rounded(explained.high), 0),
        (np.fmin(np.fmax(1.0 - explained.fsd, 0.0), 1.0), 4),
        (explained.fsd, 4),
        (explained.base, 2),
        (local, 2),
    ]
    for approach in explained.approaches.values():
        columns += [(approach.value, 2), (approach.weight, 4)]
    columns += [(land, 0), (total - land, 0), (explained.market.level, 6)]
    digits = np.array([digit for _, digit in columns])
    amounts = np.rint(np.stack([column for column, _ in columns], axis=1) * 10.0**digits)
    named = tuple((name, approach.evidence) for name, approach in explained.approaches.items())
    return _labels(named), amounts, digits


@lru_cache(maxsize=64)
def _labels(approaches: Sequence[tuple[str, str]]) -> Sequence[bytes]:
    """Return what leads to each amount."""
    labels = [*_HEAD, b',"base_value":', b',"local_correction":']
    before = b',"approaches":{'
    for name, evidence in approaches:
        labels += [before + quoted(name) + b':{"value":', b',"weight":']
        before = b',"evidence":%b},' % quoted(evidence)
    labels += [before[:-1] + b'},"land_value":', b',"improvement_value":', b',"market_index":{"level":']
    return tuple(labels)


def _sale_heads(sales: Sales, ids: Sequence[bytes]) -> list[bytes]:
    properties = [quoted(one) for one in sales.property_id.tolist()]
    documents = [quoted(one) for one in sales.document_number.tolist()]
    days = [iso_day(day) for day in sales.day.tolist()]
    blob, begins = number_texts(sales.price)
    text, at = blob.tobytes(), begins.tolist()
    prices = [text[start:end] for start, end in pairwise(at)]
    head = b'{"sale_id":%b,"property_id":%b,"document_number":%b,"sale_date":"%b","sale_price":%b,"time_adjustment":'
    return [head % parts for parts in zip(ids, properties, documents, days, prices, strict=True)]
