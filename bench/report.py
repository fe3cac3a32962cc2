"""Prints a benchmark's rows as a table and writes them as JSON under the data directory's reports."""

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import psutil
from rich.console import Console
from rich.table import Table

from schemas.settings import CommonSettings

_WIDTH = 120
Cell = str | int | float | None


@dataclass(slots=True)
class Report:
    """What one benchmark measured: rows of the same columns, and the conditions of the run."""

    name: str
    conditions: Mapping[str, Cell] = field(default_factory=dict)
    rows: list[Mapping[str, Cell]] = field(default_factory=list)
    _kept: list[Mapping[str, Cell]] = field(default_factory=list)
    _order: Sequence[str] = ()

    def show(self) -> None:
        """Print the table and write the JSON file, naming it."""
        table = Table(title=f"{self.name} ({', '.join(f'{k} {text(v)}' for k, v in self.conditions.items())})")
        columns = list(dict.fromkeys(name for row in self.all_rows for name in row))
        for column in columns:
            table.add_column(column, justify="left" if column == "what" else "right")
        for row in self.all_rows:
            table.add_row(*(text(row.get(column)) for column in columns))
        console = Console(width=max(_WIDTH, Console().width))
        console.print(table)
        console.print(f"written to {self._write()}")

    def save(self, order: Sequence[str]) -> None:
        """Write what there is so far, with rows of the last run under the same conditions for what is not there yet."""
        measured = {row["what"] for row in self.rows}
        if not self._kept and self._path.exists():
            last = orjson.loads(self._path.read_bytes())
            self._kept = last["rows"] if last["conditions"] == dict(self.conditions) else []
        self._kept = [row for row in self._kept if row["what"] not in measured]
        self._order = order
        self._write()

    @property
    def all_rows(self) -> Sequence[Mapping[str, Cell]]:
        """The rows, with those that ``save`` took over where they belong."""
        return sorted((*self.rows, *self._kept), key=self._place) if self._order else self.rows

    def _place(self, row: Mapping[str, Cell]) -> int:
        what = str(row["what"])
        return self._order.index(what) if what in self._order else len(self._order)

    @property
    def _path(self) -> Path:
        return CommonSettings().data_dir / "reports" / f"bench-{self.name}.json"

    def _write(self) -> Path:
        path = self._path
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"name": self.name, "machine": machine(), "conditions": dict(self.conditions), "rows": self.all_rows}
        path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
        return path


def machine() -> Mapping[str, Cell]:
    """Describe where something was measured, as far as it matters."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory GB": round(psutil.virtual_memory().total / 1e9, 1),
        "python": platform.python_version(),
        "at": time.strftime("%FT%TZ", time.gmtime()),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def quantile(sorted_values: Sequence[float], q: float) -> float:
    """Return the value below which a share ``q`` of the sorted values lies, by nearest rank."""
    return sorted_values[min(len(sorted_values) - 1, int(q * len(sorted_values)))]


def text(value: Cell) -> str:
    """Write a cell for people."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else value
