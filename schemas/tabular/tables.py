"""What came out of a file: validated columns, for a training at once or for records one by one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.clock import iso_date
from schemas.records import NUMERIC_FIELDS, TEXT_FIELDS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Objects = NDArray[np.object_]

_T = TypeVar("_T", bound="Properties")


@dataclass(frozen=True, slots=True)
class Properties:
    """Rows of a roll in columns.

    ``numeric`` holds NaN and ``text`` None for "unknown"; an empty text is a level of its own. No name is in both.
    ``line`` is where in
    the file each row begins; ``day`` what the row's date column says, in days since 1970-01-01, -1 where nothing.
    """

    county_id: str
    line: Ints
    property_id: Objects
    day: Ints
    numeric: dict[str, Floats]
    text: dict[str, Objects]

    def __len__(self) -> int:
        return len(self.line)

    def where(self, rows: Bools) -> Self:
        """Return the rows that are marked."""
        return _built(self, lambda name: _picked(getattr(self, name), rows))

    @classmethod
    def joined(cls, tables: Sequence[Self]) -> Self:
        """Return the rows of several tables of equal columns, at least one, as one table."""
        return _built(tables[0], lambda name: _concatenated([getattr(table, name) for table in tables]))

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield each row as a property record."""
        for row, (values, features) in enumerate(_characteristics(self)):
            yield {"property_id": self.property_id[row], "county_id": self.county_id, **values, **features}


@dataclass(frozen=True, slots=True)
class Sales(Properties):
    """Sales in columns; ``day`` is the sale date, the first of the month where only the month is known.

    ``ineligible`` holds None for a sale that may be used and else the reason why not; ``judged`` whether the mapping
    says which sales are market sales at all.
    """

    sale_id: Objects
    document_number: Objects
    month_precision: Bools
    price: Floats
    ineligible: Objects
    judged: bool = field(default=False)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield each row as a sale record."""
        prices = _plain(self.price)
        for row, (values, features) in enumerate(_characteristics(self)):
            yield {
                "sale_id": self.sale_id[row],
                "property_id": self.property_id[row],
                "county_id": self.county_id,
                **({} if self.document_number[row] is None else {"document_number": self.document_number[row]}),
                "sale_date": iso_date(int(self.day[row])),
                "sale_price": prices[row],
                **({"month_precision": True} if self.month_precision[row] else {}),
                **self._eligibility(row),
                **values,
                **features,
            }

    def _eligibility(self, row: int) -> dict[str, Any]:
        reason = self.ineligible[row]
        if reason is not None:
            return {"eligible": False, "ineligible_reason": reason}
        return {"eligible": True} if self.judged else {}


def _built(model: _T, value_of: Callable[[str], Any]) -> _T:
    """Return a table like the model whose columns are ``value_of`` their names."""
    columns = [each.name for each in fields(model) if not isinstance(getattr(model, each.name), str | bool)]
    return replace(model, **{name: value_of(name) for name in columns})


def _picked(column: Any, rows: Bools) -> Any:
    return {name: each[rows] for name, each in column.items()} if isinstance(column, dict) else column[rows]


def _concatenated(columns: Sequence[Any]) -> Any:
    if isinstance(columns[0], dict):
        return {name: np.concatenate([each[name] for each in columns]) for name in columns[0]}
    return np.concatenate(columns)


def _characteristics(table: Properties) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield for each row its standard fields and its features, as far as they are known."""
    columns: dict[str, Sequence[Any]] = {name: _plain(numbers) for name, numbers in table.numeric.items()}
    columns |= {name: texts.tolist() for name, texts in table.text.items()}
    at_home = {name for name in table.numeric if name in NUMERIC_FIELDS} | {
        name for name in table.text if name in TEXT_FIELDS
    }
    standard = {name: values for name, values in columns.items() if name in at_home}
    own = {name: values for name, values in columns.items() if name not in at_home}
    for row in range(len(table)):
        features = {name: values[row] for name, values in own.items() if values[row] is not None}
        known = {name: values[row] for name, values in standard.items() if values[row] is not None}
        yield known, {"features": features} if features else {}


def _plain(numbers: Floats) -> list[int | float | None]:
    """Return numbers as JSON has them: whole ones as integers, unknown ones as None."""
    return [
        None if number != number else int(number) if number.is_integer() else number  # noqa: PLR0124 - NaN differs
        for number in numbers.tolist()
    ]
