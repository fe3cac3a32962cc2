"""Columns as sections of a snapshot: numbers as they are, texts as codes beside the list of what they stand for."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from processor.roll.columns import Columns, TextColumn
from processor.roll.sections import Sections, Writer
from processor.valuation.frame import Ints


@dataclass(frozen=True, slots=True)
class Saved:
    """Which rows and columns of a table are saved; ``lock`` is held for one column at a time."""

    columns: Columns
    lock: AbstractContextManager[object]
    rows: Ints
    numeric: list[str]
    text: list[str]


def save_columns(writer: Writer, name: str, saved: Saved) -> None:
    """Write the columns as sections of a name; a copy of one column at a time is held."""
    writer.document(f"{name}/columns", {"numeric": saved.numeric, "text": saved.text})
    for number, column in enumerate(saved.numeric):
        with saved.lock:
            numbers = saved.columns.numbers(column, saved.rows)
        writer.array(f"{name}/numeric/{number}", numbers)
    for number, column in enumerate(saved.text):
        with saved.lock:
            codes, levels = saved.columns.texts(column, saved.rows)
        writer.array(f"{name}/codes/{number}", codes)
        writer.document(f"{name}/levels/{number}", levels)


def restore_columns(sections: Sections, name: str, columns: Columns, size: int) -> None:
    """Take over what ``save_columns`` has written."""
    kinds = sections.document(f"{name}/columns")
    numeric = {column: sections.array(f"{name}/numeric/{number}") for number, column in enumerate(kinds["numeric"])}
    text = {}
    for number, column in enumerate(kinds["text"]):
        text[column] = TextColumn()
        text[column].restore(sections.array(f"{name}/codes/{number}"), sections.document(f"{name}/levels/{number}"))
    columns.restore(size, numeric, text)
