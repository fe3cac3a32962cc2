import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.valuation.pieces import iso_day, name_lists, written


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text())))
def test_texts_read_back_as_they_were(values: list[str | None]) -> None:
    assert [json.loads(one) for one in written(values).tolist()] == values


def test_lists_name_what_a_row_is_marked_with() -> None:
    marked = np.array([[False, True], [True, True], [False, False], [False, True]])
    assert name_lists(("a", 'b"'), marked) == [b'["b\\""]', b'["a","b\\""]', b"[]", b'["b\\""]']
    assert name_lists((), np.zeros((2, 0), dtype=bool)) == [b"[]", b"[]"]


def test_days_are_written_as_dates() -> None:
    assert [iso_day(day) for day in (0, -1, 2_932_896)] == [b"1970-01-01", b"1969-12-31", b"9999-12-31"]
