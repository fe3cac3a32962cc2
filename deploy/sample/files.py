"""Writes the sample county as files: what a county's own export looks like, with the mapping files that read it."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from deploy.sample.county import Record, sample_county
from deploy.sample.market import DEED

_CHARACTERISTICS: Final = (
    *("address", "latitude", "longitude", "neighborhood", "property_class", "living_area_sqft", "lot_size_sqft"),
    *("basement_sqft", "garage_sqft", "year_built", "year_renovated", "bedrooms", "bathrooms", "stories", "quality"),
    *("condition", "view", "waterfront"),
)
_FEATURES: Final = ("fireplaces", "pool", "heating", "roof")
_PROPERTY_COLUMNS: Final = ("property_id", *_CHARACTERISTICS, "assessed_value")
_SALE_COLUMNS: Final = (
    *("sale_id", "property_id", "document_number", "sale_date", "sale_price"),
    *_CHARACTERISTICS,
)
_TAIL: Final = """
[features]
numeric = ["fireplaces", "pool"]
categorical = ["heating", "roof"]

[empty]
heating = "unknown"                     # nobody noted it; an empty category is else a level of its own
"""
_RULES: Final = f"""
[sales]
arms_length = {{ column = "sale_type", accept = ["{DEED}"] }}
"""


def write_files(directory: Path) -> dict[str, object]:
    """Write ``properties.csv`` and ``sales.csv`` with a mapping file for each; returns counts and paths.

    Importing them gives the same records that ``sample-county`` publishes.
    """
    county = sample_county()
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / "properties.csv", (*_PROPERTY_COLUMNS, *_FEATURES), [_flat(each) for each in county.properties])
    sales = [_flat(each) | {"sale_type": _sale_type(each)} for each in county.sales]
    _write(directory / "sales.csv", (*_SALE_COLUMNS, "sale_type", *_FEATURES), sales)
    (directory / "properties.toml").write_text(_mapping(_PROPERTY_COLUMNS), encoding="utf-8")
    (directory / "sales.toml").write_text(_mapping(_SALE_COLUMNS) + _RULES, encoding="utf-8")
    return {
        "county_id": "BENTON",
        "properties": len(county.properties),
        "sales": len(county.sales),
        "files": [str(directory / name) for name in ("properties.csv", "properties.toml", "sales.csv", "sales.toml")],
    }


def _flat(record: Record) -> dict[str, object]:
    features = record["features"]
    return {**record, **features} if isinstance(features, Mapping) else dict(record)


def _sale_type(sale: Record) -> str:
    return DEED if sale["eligible"] else str(sale["ineligible_reason"]).removeprefix("sale_type is ")


def _write(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _mapping(columns: Sequence[str]) -> str:
    lines = [f'{name} = "{name}"' for name in columns]
    return "\n".join(['county_id = "BENTON"', "", "[columns]", *lines]) + "\n" + _TAIL
