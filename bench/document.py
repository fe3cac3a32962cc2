"""Puts the tables of the comparison into docs/benchmarks.md, between the marks that stand there."""

from pathlib import Path
from typing import Final

from bench.report import Report, machine, text

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_BEGIN: Final = "<!-- tables: made by python -m bench peers --publish -->\n"
_END: Final = "<!-- end of tables -->\n"


def publish(*reports: Report) -> None:
    """Replace the tables of the document; what stands around them is kept."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    tables = "\n".join((_machine(), *map(_table, reports)))
    DOCUMENT.write_text(f"{before}{_BEGIN}\n{tables}\n{_END}{after}", encoding="utf-8")


def _machine() -> str:
    about = machine()
    where = f"{about['cores']} cores ({about['processor']}), {about['memory GB']} GB of memory"
    return f"{where}, Python {about['python']}, Apache Kafka and load on the same machine.\n"


def _table(report: Report) -> str:
    columns = list(dict.fromkeys(name for row in report.all_rows for name in row))
    conditions = ", ".join(f"{name} {text(value)}" for name, value in report.conditions.items())
    lines = [
        f"**{report.name}** ({conditions})\n",
        "| " + " | ".join(columns) + " |",
        "|" + "---|" * len(columns),
        *("| " + " | ".join(text(row.get(column)) for column in columns) + " |" for row in report.all_rows),
    ]
    return "\n".join(lines) + "\n"
