"""A county's sales file as the sales that a training reads."""

import hashlib
from pathlib import Path

from processor.valuation.frame import Frame, Sales
from schemas.recording import known_days
from schemas.tabular import Report, load_mapping, read_sales
from schemas.tabular import Sales as Table


def sales_from_file(path: Path, mapping_path: Path, county_id: str | None = None) -> tuple[str, Sales, Report]:
    """Read a file with its mapping; return the county, the sales, and what was wrong with the file.

    ``county_id`` stands in where the mapping names no county, and must not contradict one that it names.

    Raises:
        TabularError: the file or the mapping cannot be used, or the mapping is another county's.
    """
    mapping = load_mapping(mapping_path, county_id)
    table, report = read_sales(path, mapping)
    return mapping.county_id, _sales(table), report


def _sales(table: Table) -> Sales:
    return Sales(
        table.sale_id,
        table.property_id,
        table.document_number,
        table.day,
        known_days(table.day, table.month_precision),
        table.price,
        table.ineligible,
        Frame(len(table), table.numeric, table.text),
        _version(table),
    )


def _version(table: Table) -> str:
    """Name the content, whatever the order of the rows."""
    columns = [table.sale_id, table.property_id, table.day, table.price, table.ineligible]
    columns += [table.numeric[name] for name in sorted(table.numeric)] + [
        table.text[name] for name in sorted(table.text)
    ]
    total = 0
    for row in zip(*(column.tolist() for column in columns), strict=True):
        total += int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=8).digest(), "big")
    return f"{len(table)}-{total % 2**64:016x}"
