"""Writes what an import could not take as it was: every problem to a file, the first few into the summary."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import IO, Final

from schemas.tabular import Problem

_COLUMNS: Final = tuple(field.name for field in fields(Problem))


class ReportFile:
    """A file of problems, made when the first one comes: JSON lines where its name says so, else CSV."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._write: Callable[[Problem], object] | None = None

    @property
    def path(self) -> Path | None:
        """Where the report is, None while there was nothing to report."""
        return None if self._file is None else self._path

    def add(self, problem: Problem) -> None:
        """Append a problem."""
        if self._write is None:
            self._write = self._begin()
        self._write(problem)

    def close(self) -> None:
        """Finish the file, if there is one."""
        if self._file is not None:
            self._file.close()

    def _begin(self) -> Callable[[Problem], object]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._file = self._path.open("w", encoding="utf-8", newline="")
        if self._path.suffix in {".json", ".jsonl", ".ndjson"}:
            return lambda problem: file.write(json.dumps(asdict(problem), ensure_ascii=False) + "\n")
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        return lambda problem: writer.writerow([getattr(problem, name) for name in _COLUMNS])


@contextmanager
def report_file(path: Path) -> Iterator[ReportFile]:
    """Open a report that is finished however the import ends."""
    report = ReportFile(path)
    try:
        yield report
    finally:
        report.close()
