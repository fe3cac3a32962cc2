"""Reads a county's files with a mapping: once as columns for a training, or as records to publish, chunk by chunk."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from schemas.tabular.files import Chunk, TableFile, open_table
from schemas.tabular.mapping import TableMapping
from schemas.tabular.plan import Kind, Plan, make_plan
from schemas.tabular.report import Problem, Report
from schemas.tabular.sales import PropertiesConverter, SalesConverter
from schemas.tabular.tables import Bools, Properties, Sales


class Reading:
    """One file being read with one mapping; opening it checks both against each other, before any row is read."""

    def __init__(
        self,
        path: Path,
        mapping: TableMapping,
        kind: Kind,
        *,
        today: date | None = None,
        sink: Callable[[Problem], None] | None = None,
    ) -> None:
        """Open a file; ``sink`` hears every problem while the file is read.

        Raises:
            FileUnusable: the file is no table, or lacks columns that the mapping names.
        """
        self.report = Report(sink)
        self._today = date.today() if today is None else today  # noqa: DTZ011 - deeds carry local dates
        self._file: TableFile = open_table(path, mapping.file)
        self._plan: Plan = make_plan(mapping, kind, self._file.header)
        for note in self._plan.notes:
            self.report.note(note)

    def sales(self) -> Iterator[Sales]:
        """Read the file as sales, a chunk at a time, filling the report as it goes; to be used once."""
        converter = SalesConverter(self._plan, self.report, self._today)
        for chunk in self._file.chunks(self._plan.sources):
            yield converter.convert(chunk)
        converter.close()

    def properties(self) -> Iterator[Properties]:
        """Read the file as a roll: of several rows about one property only the latest; see ``sales``."""
        latest = self._latest()
        converter = PropertiesConverter(self._plan, self.report, self._today)
        start = 0
        for chunk in self._file.chunks(self._plan.sources):
            table = converter.convert(chunk)
            kept = latest[start : start + len(table)]
            start += len(table)
            self.report.superseded += int((~kept).sum())
            yield table.where(kept)

    def no_sales(self) -> Sales:
        """Return the empty table that a file without rows gives."""
        return SalesConverter(self._plan, Report(), self._today).convert(self._no_rows())

    def no_properties(self) -> Properties:
        """Return the empty table that a file without rows gives."""
        return PropertiesConverter(self._plan, Report(), self._today).convert(self._no_rows())

    def _no_rows(self) -> Chunk:
        return Chunk((), [() for _ in self._plan.sources], ())

    def _latest(self) -> Bools:
        """Tell which of the usable rows is the latest about its property: by date where there is one, else by place."""
        texts = {name: source for name, source in self._plan.texts.items() if name in {"property_id", "sale_date"}}
        sources = list(dict.fromkeys(source for names in texts.values() for source in names))
        slim = replace(self._plan, sources=sources, texts=texts, columns=())
        converter = PropertiesConverter(slim, Report(), self._today)
        hashes, days = [], []
        for chunk in self._file.chunks(sources):
            table = converter.convert(chunk)
            hashes.append(np.fromiter(map(hash, table.property_id), np.int64, len(table)))
            days.append(table.day)
        of_row = np.concatenate(hashes) if hashes else np.zeros(0, dtype=np.int64)
        order = np.lexsort((np.arange(len(of_row)), np.concatenate(days) if days else of_row, of_row))
        last = np.ones(len(order), dtype=np.bool_)
        last[:-1] = of_row[order][1:] != of_row[order][:-1]
        latest = np.zeros(len(order), dtype=np.bool_)
        latest[order[last]] = True
        return latest


def read_sales(path: Path, mapping: TableMapping, *, today: date | None = None) -> tuple[Sales, Report]:
    """Read a whole file as sales in columns, for a training.

    Raises:
        FileUnusable: the file is no table, or lacks columns that the mapping names.
    """
    reading = Reading(path, mapping, Kind.SALES, today=today)
    chunks = list(reading.sales()) or [reading.no_sales()]
    return Sales.joined(chunks), reading.report


def read_properties(path: Path, mapping: TableMapping, *, today: date | None = None) -> tuple[Properties, Report]:
    """Read a whole file as a roll in columns; see ``read_sales``."""
    reading = Reading(path, mapping, Kind.PROPERTIES, today=today)
    chunks = list(reading.properties()) or [reading.no_properties()]
    return Properties.joined(chunks), reading.report
