"""A mapping applied to the header of one file: which columns to read, and as what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.records import NUMERIC_FIELDS
from schemas.tabular.errors import FileUnusable, did_you_mean
from schemas.tabular.mapping import SALE_FIELDS, TableMapping

_MOST_FEATURES: Final = 512
_UNUSED_NAMED: Final = 20


class Kind(StrEnum):
    """What the rows of a file are read as."""

    PROPERTIES = "properties"
    SALES = "sales"


@dataclass(frozen=True, slots=True)
class Column:
    """One characteristic to read: its name in the record, the column it comes from, and whether it is a number."""

    name: str
    source: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read from a file, in which columns."""

    mapping: TableMapping
    kind: Kind
    sources: Sequence[str]
    """Every source column that is needed, once."""
    texts: Mapping[str, Sequence[str]]
    """Source columns of the standard fields that are joined as text: ids, date, texts."""
    columns: Sequence[Column]
    """Everything that is characteristics and of one column."""
    notes: Sequence[str]


def make_plan(mapping: TableMapping, kind: Kind, header: Sequence[str]) -> Plan:
    """Lay out how to read a file with this header.

    Raises:
        FileUnusable: columns that the mapping names are not in the file, or are there twice; or a sale's date or price
            is not mapped.
    """
    fields = {name: source for name, source in mapping.columns.items() if _applies(name, kind, source, header)}
    if kind is Kind.SALES and (lacking := {"sale_date", "sale_price"} - fields.keys()):
        raise FileUnusable(f"sales need {' and '.join(sorted(lacking))} under [columns]")
    features, notes = _features(mapping)
    columns = [Column(name, fields[name][0], numeric=True) for name in NUMERIC_FIELDS if name in fields]
    columns += [each for each in features if each.name not in fields]
    texts = {name: source for name, source in fields.items() if name not in NUMERIC_FIELDS and name != "sale_price"}
    named = [source for sources in fields.values() for source in sources] + [each.source for each in columns]
    if kind is Kind.SALES:
        named += [rule.column for rule in mapping.sales.arms_length]
    _check(named, header)
    _check_settings(mapping, header)
    return Plan(mapping, kind, list(dict.fromkeys(named)), texts, columns, [*notes, *_unused(mapping, header)])


def _applies(name: str, kind: Kind, source: Sequence[str], header: Sequence[str]) -> bool:
    """Tell whether a field is read: of a sale a roll reads only the date, where it is there, to know the latest row."""
    if kind is Kind.SALES or name not in SALE_FIELDS:
        return True
    return name == "sale_date" and all(each in header for each in source)


def _features(mapping: TableMapping) -> tuple[list[Column], list[str]]:
    """Return the features to read, without those that describe the sale: nobody knows them of an unsold property."""
    of_sale = {source for name in SALE_FIELDS for source in mapping.columns.get(name, ())}
    of_sale |= {rule.column for rule in mapping.sales.arms_length}
    of_sale -= set(mapping.columns["property_id"])
    numeric, categorical = dict.fromkeys(mapping.features.numeric), dict.fromkeys(mapping.features.categorical)
    columns = [Column(name, name, numeric=True) for name in numeric]
    columns += [Column(name, name, numeric=False) for name in categorical]
    if len(columns) > _MOST_FEATURES:
        raise FileUnusable(f"{len(columns)} features are mapped; a record carries {_MOST_FEATURES} at most")
    notes = [f"feature {each.name!r} describes the sale and is left out" for each in columns if each.name in of_sale]
    return [each for each in columns if each.name not in of_sale], notes


def _unused(mapping: TableMapping, header: Sequence[str]) -> list[str]:
    """Note the columns that the mapping does not name: what is left lying there, no model can learn from."""
    known = {source for sources in mapping.columns.values() for source in sources}
    known |= {*mapping.features.numeric, *mapping.features.categorical}
    known |= {rule.column for rule in mapping.sales.arms_length}
    unused = [name for name in dict.fromkeys(header) if name and name not in known]
    if not unused:
        return []
    rest = "" if len(unused) <= _UNUSED_NAMED else f" and {len(unused) - _UNUSED_NAMED} more"
    listed = ", ".join(unused[:_UNUSED_NAMED])
    return [f"not named by the mapping, so not used: {listed}{rest}; [columns] or [features] would take them up"]


def _check(named: Sequence[str], header: Sequence[str]) -> None:
    absent = [name for name in dict.fromkeys(named) if name not in header]
    twice = [name for name in dict.fromkeys(named) if header.count(name) > 1]
    faults = [f"the file has no column {name!r}{did_you_mean(name, header)}" for name in absent]
    faults += [f"the file has the column {name!r} twice" for name in twice]
    if faults:
        raise FileUnusable("\n".join(faults))


def _check_settings(mapping: TableMapping, header: Sequence[str]) -> None:
    """Refuse settings for columns that neither the file nor the rest of the mapping knows."""
    known = {*header, *mapping.columns, *(name for names in mapping.columns.values() for name in names)}
    known |= {*mapping.features.numeric, *mapping.features.categorical}
    known |= {rule.column for rule in mapping.sales.arms_length}
    for table, names in (("recode", mapping.recode), ("empty", mapping.empty)):
        for name in names:
            if name not in known:
                raise FileUnusable(f"{table}.{name}: the file has no such column{did_you_mean(name, known)}")
