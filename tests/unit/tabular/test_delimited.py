import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from schemas.tabular.delimited import RaggedRow, Row, read_header, read_rows


def rows_of(text: str, delimiter: str = ",") -> list[tuple[int, list[str] | str]]:
    lines = io.StringIO(text, newline="")
    width = len(read_header(io.StringIO(text, newline=""), delimiter))
    return [
        (each.line, list(each.fields) if isinstance(each, Row) else each.reason)
        for each in read_rows(lines, delimiter, width)
    ]


def test_rows_know_their_lines_whatever_ends_them() -> None:
    for end in ("\n", "\r\n", "\r"):
        assert rows_of(end.join(["a,b", "1,2", "", "3,4", "  "])) == [(2, ["1", "2"]), (4, ["3", "4"])]


def test_a_quoted_field_may_span_lines() -> None:
    text = 'a,b,c\n1,"12 Main St\nApt 4, rear",2\n3,4,5\n'
    assert rows_of(text) == [(2, ["1", "12 Main St\nApt 4, rear", "2"]), (4, ["3", "4", "5"])]


def test_short_and_long_rows_are_reported_and_the_others_stand() -> None:
    text = "a,b,c\n1,2,3\n1,2\n1,2,3,4\n1,2,3,,\n4,5,6\n"
    assert rows_of(text) == [
        (2, ["1", "2", "3"]),
        (3, "2 fields where the header has 3"),
        (4, "4 fields where the header has 3"),
        (5, ["1", "2", "3"]),
        (6, ["4", "5", "6"]),
    ]


def test_a_quote_that_is_never_closed_costs_no_other_row() -> None:
    text = 'a,b,c\n1,2,3\n4,"5,6\n7,8,9\n10,11,12\n'
    assert rows_of(text) == [
        (2, ["1", "2", "3"]),
        (3, ["4", "5", "6"]),
        (4, ["7", "8", "9"]),
        (5, ["10", "11", "12"]),
    ]


def test_two_stray_quotes_in_the_same_column_do_not_swallow_the_rows_between() -> None:
    text = 'a,b,c\n1,"2,3\n4,5,6\n7,"8,9\n10,11,12\n'
    assert [row for _, row in rows_of(text)] == [["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"], ["10", "11", "12"]]


def test_a_quote_inside_a_field_is_a_quote() -> None:
    assert rows_of('a,b\n1,12" pipe\n') == [(2, ["1", '12" pipe'])]


CELL = st.text(st.characters(blacklist_categories=("Cs", "Cc")) | st.sampled_from('",;\n '), max_size=6)


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=8))
def test_what_a_csv_writer_wrote_is_read_back_or_reported(table: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["a", "b", "c"], *table])
    read = list(read_rows(io.StringIO(out.getvalue(), newline=""), ",", 3))
    if not any("\n" in cell for row in table for cell in row):
        assert [list(row.fields) for row in read if isinstance(row, Row)] == table
        assert not any(isinstance(row, RaggedRow) for row in read)
    else:
        assert len(read) >= len(table)
