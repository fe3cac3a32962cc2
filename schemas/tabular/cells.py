"""Cells as files hold them, and as plain text: codes and ids are text whatever type a file gave them."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

Cell = str | int | float | bool | date | datetime | Decimal | bytes | None
"""A cell of a file; a CSV file has only ``str``."""


def as_text(cell: object) -> str:
    """Return a cell as stripped text, empty where it is null or NaN; 1.0 is the code ``1``."""
    if cell is None or cell != cell:  # noqa: PLR0124 - NaN alone differs from itself
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", "replace")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell).strip()


def as_texts(cells: Iterable[object]) -> list[str]:
    """Return cells as texts; see ``as_text``."""
    return [cell.strip() if type(cell) is str else as_text(cell) for cell in cells]
