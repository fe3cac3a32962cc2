"""The mapping file: which columns of a county's table say what, in TOML (see docs/mapping.md)."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from schemas.counties import normalise_county
from schemas.records import NUMERIC_FIELDS, TEXT_FIELDS
from schemas.tabular.errors import MappingInvalid, did_you_mean

SALE_FIELDS: Final = ("sale_id", "document_number", "sale_date", "sale_price")
"""Standard fields that describe a sale and not a property."""
STANDARD_FIELDS: Final = ("property_id", *SALE_FIELDS, *NUMERIC_FIELDS, *TEXT_FIELDS)
_JOINABLE: Final = frozenset({"property_id", "sale_id", "document_number", "sale_date", *TEXT_FIELDS})
_NO_DAY: Final = re.compile(r"%[-]?[djcxDFUW]")
_MONTH: Final = re.compile(r"%[-]?[mbBjcxDFUW]")


def _listed(value: object) -> object:
    return [_stripped(each) for each in value] if isinstance(value, list) else [_stripped(value)]


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _code(value: object) -> object:
    """Read a code as text, so that 1 and "1" in a mapping are the same code."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Names = Annotated[list[StrictStr], Field(min_length=1), BeforeValidator(_listed)]
Code = Annotated[StrictStr, BeforeValidator(_code), BeforeValidator(_stripped)]
Name = Annotated[StrictStr, BeforeValidator(_stripped)]
FeatureName = Annotated[StrictStr, Field(min_length=1, max_length=128), BeforeValidator(_stripped)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Features(_Table):
    """Source columns that the model may use under their own names."""

    numeric: list[FeatureName] = Field(default_factory=list)
    categorical: list[FeatureName] = Field(default_factory=list)


class Accepted(_Table):
    """A column, and its codes that mark a sale as arm's-length."""

    column: Name
    accept: Annotated[list[Code], Field(min_length=1), BeforeValidator(_listed)]


class SalesRules(_Table):
    """Which sales are market sales; the others are kept and marked, with the reason."""

    arms_length: Annotated[list[Accepted], BeforeValidator(_listed)] = Field(default_factory=list)
    min_price: float | None = Field(None, ge=0)
    max_price: float | None = Field(None, gt=0)


class FileOptions(_Table):
    """How the file is written, where that is not plain from the file itself."""

    delimiter: Annotated[StrictStr, Field(min_length=1, max_length=1)] | None = None
    encoding: StrictStr | None = None
    decimal_comma: StrictBool = False


class TableMapping(_Table):
    """A mapping file in force."""

    county_id: Annotated[StrictStr, Field(min_length=1, max_length=64), BeforeValidator(_code)]
    columns: dict[str, Names]
    dates: dict[str, Names] = Field(default_factory=dict)
    features: Features = Field(default_factory=Features)
    sales: SalesRules = Field(default_factory=SalesRules)
    empty: dict[Name, StrictStr | float] = Field(default_factory=dict)
    recode: dict[Name, dict[Name, Code]] = Field(default_factory=dict)
    missing: list[Code] = Field(default_factory=list)
    file: FileOptions = Field(default_factory=FileOptions)


def load_mapping(path: Path, county_id: str | None = None) -> TableMapping:
    """Read a mapping file; ``county_id`` stands in for, and must not contradict, the file's own.

    Raises:
        MappingInvalid: with everything that is wrong, one line each.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return read_mapping(tomllib.loads(text), county_id)
    except OSError as error:
        raise MappingInvalid(f"{path}: cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingInvalid(f"{path}: no TOML: {error}") from error
    except MappingInvalid as error:
        raise MappingInvalid(f"{path}: {error}") from error


def read_mapping(document: Mapping[str, Any], county_id: str | None = None) -> TableMapping:
    """Check a mapping already parsed; see ``load_mapping``."""
    own = document.get("county_id")
    try:
        wanted = None if county_id is None else normalise_county(county_id)
        if wanted is not None and isinstance(own, str) and normalise_county(own) != wanted:
            raise MappingInvalid(f"county_id is {own}, not {county_id}")
        mapping = TableMapping.model_validate({**document, "county_id": own if wanted is None else wanted})
        mapping = mapping.model_copy(update={"county_id": normalise_county(mapping.county_id)})
    except ValidationError as error:
        raise MappingInvalid("\n".join(_explain(each) for each in error.errors())) from error
    except ValueError as error:
        raise MappingInvalid(f"county_id: {error}") from error
    if faults := [*_field_faults(mapping), *_date_faults(mapping), *_feature_faults(mapping)]:
        raise MappingInvalid("\n".join(faults))
    return mapping


def month_precision(formats: Sequence[str]) -> bool:
    """Tell whether dates in these formats name a month and no day."""
    return all(not _NO_DAY.search(each) for each in formats)


def _explain(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{place}: unknown key{did_you_mean(str(error['loc'][-1]), _keys_beside(error['loc']))}"
    if error["type"] == "missing" or (place == "county_id" and error["input"] is None):
        return f"{place}: is needed"
    return f"{place}: {error['msg']}"


def _keys_beside(location: tuple[object, ...]) -> list[str]:
    if "arms_length" in location:
        return list(Accepted.model_fields)
    tables: dict[str, type[BaseModel]] = {"features": Features, "sales": SalesRules, "file": FileOptions}
    return list(
        tables.get(str(location[0]), TableMapping).model_fields if len(location) > 1 else TableMapping.model_fields
    )


def _field_faults(mapping: TableMapping) -> list[str]:
    faults = [
        f"columns.{field}: no standard field{did_you_mean(field, STANDARD_FIELDS)} Own columns go under [features]."
        for field in mapping.columns
        if field not in STANDARD_FIELDS
    ]
    faults += [
        f"columns.{field}: only ids, dates and texts can be joined of several columns; {field} needs one"
        for field, names in mapping.columns.items()
        if len(names) > 1 and field in STANDARD_FIELDS and field not in _JOINABLE
    ]
    if "property_id" not in mapping.columns:
        faults.append("columns.property_id: is needed")
    return faults


def _date_faults(mapping: TableMapping) -> list[str]:
    faults = [f"dates.{field}: only sale_date is a date" for field in mapping.dates if field != "sale_date"]
    return faults + [
        f"dates.sale_date: {each!r} names no year and month (%Y, %m)"
        for each in mapping.dates.get("sale_date", ())
        if not _MONTH.search(each) or not re.search(r"%[YyGcxDF]", each)
    ]


def _feature_faults(mapping: TableMapping) -> list[str]:
    numeric, categorical = mapping.features.numeric, mapping.features.categorical
    faults = [f"features: {name!r} is both numeric and categorical" for name in sorted({*numeric} & {*categorical})]
    price = mapping.columns.get("sale_price", [])
    faults += [f"features: {name!r} is the sale price" for name in (*numeric, *categorical) if name in price]
    faults += [
        f"features: {name!r} would hide the standard field of that name, which is column {source[0]!r}"
        for name in (*numeric, *categorical)
        if (source := mapping.columns.get(name)) is not None and source != [name]
    ]
    return faults
