"""Turns chunks of a file into validated columns, noting whatever could not be taken as it was."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

import numpy as np

from schemas.tabular.cells import as_text, as_texts
from schemas.tabular.files import Chunk
from schemas.tabular.limits import outside
from schemas.tabular.numbers import as_numbers
from schemas.tabular.plan import Column, Plan
from schemas.tabular.report import Effect, Problem, Report, shown
from schemas.tabular.tables import Bools, Floats, Ints, Objects

_LONGEST: Final = {"address": 512, "neighborhood": 256, "property_class": 256, "document_number": 128}
_LONGEST_FEATURE: Final = 1024
_LONGEST_ID: Final = 128

_V = TypeVar("_V")


@dataclass(slots=True)
class Draft:
    """A chunk on its way: the cells as text, and what is known of each row so far."""

    line: Sequence[int]
    cells: dict[str, list[str]]
    rejected: Bools
    problems: list[Problem] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.line)

    def doubt(self, row: int, column: str, value: object, reason: str, effect: Effect) -> None:
        """Note a problem of a row; ``row rejected`` takes the row out."""
        self.problems.append(Problem(self.line[row], column, shown(value), reason, effect))
        if effect == "row rejected":
            self.rejected[row] = True


class Converter:
    """Reads what properties and sales have in common: ids, texts and characteristics."""

    def __init__(self, plan: Plan, report: Report) -> None:
        self.plan = plan
        self.report = report
        self._columns: Sequence[Column] | None = None
        self._recode = _by_source(plan, plan.mapping.recode)
        self._empty = _by_source(plan, plan.mapping.empty)
        self._missing = frozenset(plan.mapping.missing)

    def draft(self, chunk: Chunk) -> Draft:
        """Take up a chunk; lines that are no rows are counted and reported."""
        cells = {name: self._texts(name, column) for name, column in zip(self.plan.sources, chunk.columns, strict=True)}
        draft = Draft(chunk.lines, cells, np.zeros(len(chunk.lines), dtype=np.bool_))
        self.report.rows += len(chunk.lines) + len(chunk.ragged)
        self.report.rejected += len(chunk.ragged)
        self.report.add(Problem(each.line, "", shown(each.text), each.reason, "row rejected") for each in chunk.ragged)
        return draft

    def joined(self, draft: Draft, name: str) -> list[str]:
        """Return a text field, joined of its columns; empty where all of them are."""
        sources = self.plan.texts[name]
        if len(sources) == 1:
            return draft.cells[sources[0]]
        rows = zip(*(draft.cells[source] for source in sources), strict=True)
        return ["-".join(parts) if any(parts) else "" for parts in rows]

    def where(self, name: str) -> str:
        """Return the source columns of a field, as a problem names them."""
        sources = self.plan.texts.get(name) or self.plan.mapping.columns.get(name) or [name]
        return "-".join(sources)

    def ids(self, draft: Draft, name: str) -> Objects:
        """Return the ids of a field; a row without a usable one is rejected."""
        ids = self.joined(draft, name)
        for row, own_id in enumerate(ids):
            if not own_id or len(own_id) > _LONGEST_ID or not own_id.isprintable():
                reason = "longer than 128 characters" if len(own_id) > _LONGEST_ID else "unprintable"
                draft.doubt(row, self.where(name), own_id, reason if own_id else f"no {name}", "row rejected")
        return objects(ids)

    def texts(self, draft: Draft, name: str) -> Objects:
        """Return a standard text field, None where it is empty."""
        sources = self.plan.texts[name]
        blank = self._blank_text(sources[0], "unknown") if len(sources) == 1 else None
        values = [text or blank for text in self.joined(draft, name)]
        return self._not_too_long(draft, self.where(name), values, _LONGEST[name])

    def characteristics(self, draft: Draft, years: Ints) -> tuple[dict[str, Floats], dict[str, Objects]]:
        """Return numeric and text characteristics; ``years`` is when each row was true."""
        if self._columns is None:
            self._columns = self._settled(draft)
        text = {name: self.texts(draft, name) for name in _LONGEST if name in self.plan.texts}
        text.pop("document_number", None)
        numeric = {}
        for column in self._columns:
            if column.numeric:
                numeric[column.name] = self._numbers(draft, column, years)
            else:
                text[column.name] = self._categories(draft, column)
        return numeric, text

    def finish(self, draft: Draft) -> Bools:
        """Report the chunk's problems; returns which rows came through."""
        draft.problems.sort(key=lambda problem: problem.line)
        self.report.add(draft.problems)
        self.report.rejected += int(draft.rejected.sum())
        return ~draft.rejected

    def number(self, draft: Draft, source: str, effect: Effect) -> Floats:
        """Return a column of numbers, NaN where nothing is known or, reported, where the text is no number."""
        texts = draft.cells[source]
        numbers, wrong = as_numbers(texts, decimal_comma=self.plan.mapping.file.decimal_comma)
        for row in wrong:
            draft.doubt(row, source, texts[row], "no number", effect)
        return numbers

    def _texts(self, name: str, column: Sequence[object]) -> list[str]:
        texts = as_texts(column)
        if any(text.startswith('="') for text in texts):
            texts = [text[2:-1].strip() if text.startswith('="') else text for text in texts]  # Excel's texts
        if self._missing:
            texts = ["" if text in self._missing else text for text in texts]
        codes = self._recode.get(name)
        return texts if codes is None else [codes.get(text, text) for text in texts]

    def _numbers(self, draft: Draft, column: Column, years: Ints) -> Floats:
        numbers = self.number(draft, column.source, "value unknown")
        impossible, reason = outside(column.name, numbers, years)
        for row in np.flatnonzero(impossible):
            draft.doubt(int(row), column.source, draft.cells[column.source][row], reason, "value unknown")
        numbers[impossible] = np.nan
        meaning = self._empty.get(column.source, "unknown")
        if meaning != "unknown":
            blank = np.array([not text for text in draft.cells[column.source]], dtype=np.bool_)
            numbers[blank] = 0.0 if isinstance(meaning, str) else meaning
        return numbers

    def _categories(self, draft: Draft, column: Column) -> Objects:
        blank = self._blank_text(column.source, "none")
        values = [text or blank for text in draft.cells[column.source]]
        return self._not_too_long(draft, column.source, values, _LONGEST_FEATURE)

    def _blank_text(self, source: str, default: str) -> str | None:
        """Return what an empty cell of a text column says: its own level, nothing, or a level that is named."""
        meaning = as_text(self._empty.get(source, default))
        return {"none": "", "unknown": None}.get(meaning, meaning)

    def _not_too_long(self, draft: Draft, source: str, values: Sequence[str | None], longest: int) -> Objects:
        texts = objects(values)
        for row, text in enumerate(values):
            if text is not None and len(text) > longest:
                draft.doubt(row, source, text, f"longer than {longest} characters", "value unknown")
                texts[row] = None
        return texts

    def _settled(self, draft: Draft) -> Sequence[Column]:
        """Decide, from the first chunk, which columns mapped as numbers hold words: those become features of texts."""
        settled: dict[str, Column] = {}
        for column in self.plan.columns:
            if column.numeric and self._holds_words(draft.cells[column.source]):
                self.report.note(f"column {column.source!r} holds words: taken as the categorical feature of that name")
                words = replace(column, name=column.source, numeric=False)
                settled[words.name] = words
            else:
                settled.setdefault(column.name, column)
        return list(settled.values())

    def _holds_words(self, texts: Sequence[str]) -> bool:
        levels = Counter(text for text in texts if text)
        comma = self.plan.mapping.file.decimal_comma
        words = sum(rows for text, rows in levels.items() if as_numbers([text], decimal_comma=comma)[1])
        return 2 * words > levels.total()


def objects(values: Sequence[object]) -> Objects:
    """Return values as a column of objects."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _by_source(plan: Plan, table: Mapping[str, _V]) -> dict[str, _V]:
    """Key a table of the mapping by source column, where it names a standard field instead."""
    of_field = {name: sources[0] for name, sources in plan.mapping.columns.items() if len(sources) == 1}
    return {name if name in plan.sources else of_field.get(name, name): value for name, value in table.items()}
