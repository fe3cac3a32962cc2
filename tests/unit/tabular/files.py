"""Files and mappings for tests, small enough to read."""

from datetime import date
from pathlib import Path
from typing import Any

from schemas.tabular import Report, Sales, TableMapping, read_mapping, read_sales

TODAY = date(2026, 11, 23)

SALE_COLUMNS = {"property_id": "id", "sale_id": "deed", "sale_date": "date", "sale_price": "price"}


def mapping(columns: dict[str, Any] | None = None, **tables: Any) -> TableMapping:
    return read_mapping({"county_id": "KING", "columns": {**SALE_COLUMNS, **(columns or {})}, **tables})


def written(directory: Path, text: str | bytes, name: str = "sales.csv") -> Path:
    path = directory / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def sales_of(directory: Path, text: str | bytes, table: TableMapping | None = None) -> tuple[Sales, Report]:
    return read_sales(written(directory, text), table or mapping(), today=TODAY)


def with_column(name: str, *cells: str) -> str:
    """A sales file with one more column, one row for each cell."""
    rows = [f"P{n},D{n},2026-01-{n + 1:02d},{300_000 + n},{cell}\n" for n, cell in enumerate(cells)]
    return f"id,deed,date,price,{name}\n" + "".join(rows)
