"""Prints a benchmark's rows as a table and writes them as JSON under the data directory's reports."""

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
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

    def show(self) -> None:
        """Print the table and write the JSON file, naming it."""
        table = Table(title=f"{self.name} ({', '.join(f'{k} {_text(v)}' for k, v in self.conditions.items())})")
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        for column in columns:
            table.add_column(column, justify="left" if column == "what" else "right")
        for row in self.rows:
            table.add_row(*(_text(row.get(column)) for column in columns))
        console = Console(width=max(_WIDTH, Console().width))
        console.print(table)
        console.print(f"written to {self._write()}")

    def _write(self) -> Path:
        directory = CommonSettings().data_dir / "reports"
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"bench-{self.name}.json"
        machine = {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "at": time.strftime("%FT%TZ", time.gmtime()),
        }
        content = {"name": self.name, "machine": machine, "conditions": dict(self.conditions), "rows": self.rows}
        path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
        return path


def quantile(sorted_values: Sequence[float], q: float) -> float:
    """Return the value below which a share ``q`` of the sorted values lies, by nearest rank."""
    return sorted_values[min(len(sorted_values) - 1, int(q * len(sorted_values)))]


def _text(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else value
