"""The comparables grid: sales beside the subject, each price brought to it line by line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from producer.console import formats, words
from producer.console.drawing.positions import Offset, offset
from producer.console.roll import Parcel
from schemas.events import Comparable, Valuation

_OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Cell:
    """What a comparable has, and by how many dollars its price changes for it; None: no line."""

    shown: str
    amount: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One feature: what the subject has, and a cell for every comparable."""

    label: str
    subject: str
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Column:
    """One comparable: the sale, what is known of the property, and where it lies."""

    number: int
    sale_id: str
    property_id: str | None
    address: str | None
    document_number: str | None
    sale_date: date
    sale_price: float
    time_adjustment: float
    adjusted_price: float
    weight: float
    distance: Offset | None


@dataclass(frozen=True, slots=True)
class Grid:
    """Comparables side by side; price + time adjustment + the cells of a column = its adjusted price."""

    columns: Sequence[Column]
    lines: Sequence[Line]


def grid(value: Valuation, subject: Parcel, parcels: Sequence[Parcel]) -> Grid:
    """Return the grid of a value; ``parcels`` are the comparables' properties in their order."""
    columns = [
        _column(number, one, subject, parcel)
        for number, (one, parcel) in enumerate(zip(value.comparables, parcels, strict=True), start=1)
    ]
    amounts = [{line.feature: line.amount for line in one.adjustments} for one in value.comparables]
    used = {one.feature: one.value for one in value.contributions}
    features = sorted(
        {feature for column in amounts for feature in column},
        key=lambda feature: (feature == _OTHER, -sum(abs(column.get(feature, 0.0)) for column in amounts)),
    )
    return Grid(columns, [_line(feature, used.get(feature), amounts, parcels) for feature in features])


def _line(
    feature: str, own: float | str | None, amounts: Sequence[dict[str, float]], parcels: Sequence[Parcel]
) -> Line:
    cells = [
        Cell(_shown(feature, parcel.characteristic(feature)), column.get(feature))
        for column, parcel in zip(amounts, parcels, strict=True)
    ]
    return Line(words.feature(feature), _shown(feature, own), cells)


def _shown(feature: str, value: float | str | None) -> str:
    return "" if value is None else formats.characteristic(feature, value)


def _column(number: int, one: Comparable, subject: Parcel, parcel: Parcel) -> Column:
    here, there = subject.place, parcel.place
    return Column(
        number=number,
        sale_id=one.sale_id,
        property_id=one.property_id,
        address=parcel.address,
        document_number=one.document_number,
        sale_date=one.sale_date,
        sale_price=one.sale_price,
        time_adjustment=one.time_adjustment,
        adjusted_price=one.adjusted_price,
        weight=one.weight,
        distance=None if here is None or there is None else offset(here, there),
    )
