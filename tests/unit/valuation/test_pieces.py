import json
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from processor.valuation.frame import Floats
from processor.valuation.pieces import iso_day, joined, name_lists, shown, texts, tokens, written


@settings(deadline=None)
@given(arrays.arrays(np.float64, st.tuples(st.integers(0, 4), st.integers(0, 4))))
def test_every_number_is_written_as_the_json_that_reads_back_as_it(table: Floats) -> None:
    found = tokens(table)
    assert found.shape == table.shape
    for token, number in zip(found.ravel().tolist(), table.ravel().tolist(), strict=True):
        read = json.loads(token)
        assert read == number if math.isfinite(number) else read is None


def test_integers_have_no_fraction_and_zero_no_sign() -> None:
    assert tokens(np.array([1.0, -0.0, 2.5, 1e16, math.nan]), b"}").tolist() == [
        b"1}",
        b"0}",
        b"2.5}",
        b"1e+16}",
        b"null}",
    ]


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text())))
def test_texts_read_back_as_they_were(values: list[str | None]) -> None:
    assert [json.loads(one) for one in written(values).tolist()] == values


def test_rows_are_put_together_from_columns_tables_and_constants() -> None:
    table = np.array([[b"1", b"2"], [b"3", b"4"]], dtype=object)
    assert joined([b"<", texts([b"a", b"b"]), table, b">"], 2) == [b"<a12>", b"<b34>"]
    assert joined([b"<", b">"], 0) == []


def test_pieces_are_shown_only_where_they_should_be() -> None:
    where = np.array([True, False])
    assert shown(where, b"x").tolist() == [b"x", b""]
    assert shown(where, texts([b"a", b"b"])).tolist() == [b"a", b""]


def test_lists_name_what_a_row_is_marked_with() -> None:
    marked = np.array([[False, True], [True, True], [False, False], [False, True]])
    assert name_lists(("a", 'b"'), marked).tolist() == [b'["b\\""]', b'["a","b\\""]', b"[]", b'["b\\""]']
    assert name_lists((), np.zeros((2, 0), dtype=bool)).tolist() == [b"[]", b"[]"]


def test_days_are_written_as_dates() -> None:
    assert [iso_day(day) for day in (0, -1, 2_932_896)] == [b"1970-01-01", b"1969-12-31", b"9999-12-31"]
