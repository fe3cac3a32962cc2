import json
import math
from decimal import Decimal
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from processor.valuation.amounts import keep_largest, split
from processor.valuation.frame import Floats
from processor.valuation.writing import (
    NUMBER_BYTES,
    Script,
    Texts,
    decimal,
    laid_out,
    number_texts,
    own,
    phrase,
    shown,
    write,
)

LARGEST = 2**53 - 1


def _read(texts: Texts) -> list[bytes]:
    blob, begins = texts
    return [blob[start:end].tobytes() for start, end in pairwise(begins)]


def _decimal(scaled: float, digits: int) -> str:
    script, out = Script(np.empty(1, np.int64), np.empty(1)), np.empty(NUMBER_BYTES, np.uint8)
    nothing = laid_out([b""])
    end = write(script, decimal(script, 0, scaled, digits), (nothing, nothing, nothing), out, 0)
    return out[:end].tobytes().decode()


@settings(deadline=None)
@given(arrays.arrays(np.float64, st.tuples(st.integers(0, 4), st.integers(0, 4))))
def test_every_number_is_written_as_the_json_that_reads_back_as_it(table: Floats) -> None:
    for text, number in zip(_read(number_texts(table)), table.ravel().tolist(), strict=True):
        read = json.loads(text)
        assert read == number if math.isfinite(number) else read is None
        assert len(text) <= NUMBER_BYTES


def test_integers_have_no_fraction_and_zero_no_sign() -> None:
    assert _read(number_texts(np.array([1.0, -0.0, 2.5, 10.0, 1e16, math.nan]))) == [
        b"1",
        b"0",
        b"2.5",
        b"10",
        b"1e+16",
        b"null",
    ]


@settings(deadline=None)
@given(st.integers(-LARGEST, LARGEST), st.integers(0, 6))
def test_decimals_are_exact_and_have_no_needless_zeros(scaled: int, digits: int) -> None:
    text = _decimal(float(scaled), digits)
    assert Decimal(text) == Decimal(scaled).scaleb(-digits)
    assert json.loads(text) == scaled / 10**digits
    assert "." not in text or text[-1] not in "0."


def test_what_is_no_number_or_too_large_for_exactness_is_null() -> None:
    for scaled in (math.nan, math.inf, -math.inf, 9.3e18):
        assert _decimal(scaled, 2) == "null"
    assert _decimal(-0.0, 2) == "0"


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=9))
def test_scripts_write_texts_of_all_three_tables_in_their_order(texts: list[bytes]) -> None:
    table = laid_out(texts)
    other = laid_out([text + b"!" for text in texts])
    third = laid_out([text + b"?" for text in texts])
    script, out = Script(np.empty(30, np.int64), np.empty(30)), np.empty(3 * 42 * len(texts), np.uint8)
    at = 0
    for which in range(len(texts)):
        at = phrase(script, own(script, shown(script, at, which), which), which)
    end = write(script, at, (table, other, third), out, 0)
    assert out[:end].tobytes() == b"".join(text + b"?" + text + b"!" + text for text in texts)


@settings(deadline=None)
@given(arrays.arrays(np.float64, st.integers(1, 12), elements=st.integers(-1000, 1000).map(float)), st.integers(1, 8))
def test_the_largest_amounts_are_kept_and_nothing_of_the_sum_is_lost(amounts: Floats, most: int) -> None:
    position, amount = np.empty(most, np.int64), np.empty(most)
    count = keep_largest(amounts, position, amount)
    assert amount[:count].sum() == amounts.sum()
    assert count == min(most, len(amounts))
    kept = [at for at in position[:count].tolist() if at < len(amounts)]
    assert kept == sorted(kept)
    dropped = np.delete(np.abs(amounts), kept)
    assert not len(dropped) or not kept or np.abs(amounts[kept]).min() >= dropped.max()


def test_effects_that_cancel_out_are_split_without_dividing_by_nothing() -> None:
    cents = np.empty(2)
    assert split(np.array([0.5, -0.5]), 100.0, 100.0, cents) == 0
    assert cents.tolist() == [5000.0, -5000.0]
