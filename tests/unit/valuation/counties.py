"""Invented counties of every shape, priced by a known law."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from processor.valuation.frame import Floats, Frame, Ints, Objects, Sales, Subjects

FIRST_DAY = 18_262  # 2020-01-01
LAST_DAY = FIRST_DAY + 1_095
AFTER = LAST_DAY + 20


@dataclass(frozen=True, slots=True, repr=False)
class County:
    """Properties, what they are worth at the first day, and sales of them."""

    frame: Frame
    worth: Floats
    sales: Sales

    def subjects(self, rows: Sequence[int] | Ints, day: int = AFTER, *, own: bool = True) -> Subjects:
        """Ask for the value of the properties that were sold in these sales, or of strangers just like them."""
        chosen = np.asarray(rows, dtype=np.int64)
        ids = [str(one) if own else f"new-{one}" for one in self.sales.property_id[chosen]]
        return subjects(self.frame.take(chosen), ids, day)


def subjects(frame: Frame, ids: Sequence[str] | None = None, day: int = AFTER) -> Subjects:
    names = [f"new-{row}" for row in range(frame.n)] if ids is None else list(ids)
    return Subjects(names, frame, np.full(frame.n, day, dtype=np.int64), [None] * frame.n)


def objects(values: Sequence[object]) -> Objects:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def houses(n: int, seed: int = 1) -> tuple[Frame, Floats]:
    """Draw houses and what they are worth."""
    draw = np.random.default_rng(seed)
    area = np.exp(draw.normal(7.5, 0.35, n)).round()
    lot = np.exp(draw.normal(9.0, 0.6, n)).round()
    quality = draw.integers(3, 10, n).astype(float)
    year = draw.integers(1920, 2020, n).astype(float)
    east, north = draw.normal(0, 0.1, n), draw.normal(0, 0.07, n)
    area_name = np.where(east > 0.05, "East", np.where(north > 0, "North", "South"))
    worth = (
        12.6
        + 0.7 * (np.log(area) - 7.5)
        + 0.1 * (np.log(lot) - 9)
        + 0.09 * (quality - 6)
        + 0.002 * (year - 1970)
        + 1.5 * east
        - 2.0 * north
    )
    numeric = {
        "living_area_sqft": area,
        "lot_size_sqft": lot,
        "quality": quality,
        "year_built": year,
        "bedrooms": np.clip(np.round(area / 550), 1, 8),
        "bathrooms": np.clip(np.round(area / 400) / 2, 1, 6),
        "latitude": 46.2 + north,
        "longitude": -119.2 + east,
    }
    return Frame(n, numeric, {"neighborhood": objects(area_name.tolist())}), np.exp(worth)


def county(n: int = 800, noise: float = 0.12, seed: int = 1, trend: float = 0.05) -> County:
    """Return a county with one sale per property, over three years, prices rising by ``trend`` a year."""
    frame, worth = houses(n, seed)
    return sold(frame, worth, noise, seed, trend)


def sold(frame: Frame, worth: Floats, noise: float = 0.12, seed: int = 1, trend: float = 0.05) -> County:
    """Sell every property once."""
    n = frame.n
    draw = np.random.default_rng(seed + 1_000)
    day = np.sort(draw.integers(FIRST_DAY, LAST_DAY, n)).astype(np.int64)
    price = np.round(worth * np.exp(trend * (day - FIRST_DAY) / 365 + draw.normal(0, noise, n)))
    sales = Sales(
        sale_id=objects([f"S{row:05d}" for row in range(n)]),
        property_id=objects([f"P{row:05d}" for row in range(n)]),
        document_number=objects([f"D{row}" if row % 3 else None for row in range(n)]),
        day=day,
        known_day=day + 14,
        price=price,
        ineligible=np.full(n, None, dtype=object),
        frame=frame,
        version=f"{n}-{seed}",
    )
    return County(frame, worth, sales)


def without(frame: Frame, *names: str) -> Frame:
    """Return the frame without some columns."""
    return Frame(
        frame.n,
        {name: column for name, column in frame.numeric.items() if name not in names},
        {name: column for name, column in frame.text.items() if name not in names},
    )


def with_numbers(frame: Frame, **columns: Floats) -> Frame:
    """Return the frame with further or other numbers."""
    return Frame(frame.n, {**frame.numeric, **columns}, frame.text)


def with_words(frame: Frame, **columns: Objects) -> Frame:
    """Return the frame with further or other texts."""
    return Frame(frame.n, frame.numeric, {**frame.text, **columns})


def of_frame(whole: County, frame: Frame) -> County:
    """Return the county as described by another frame."""
    return County(frame, whole.worth, replace(whole.sales, frame=frame))


def shuffled(sales: Sales, seed: int = 5) -> Sales:
    """Return the same sales in another order, under the same version."""
    rows = np.random.default_rng(seed).permutation(len(sales))
    return Sales(
        sales.sale_id[rows],
        sales.property_id[rows],
        sales.document_number[rows],
        sales.day[rows],
        sales.known_day[rows],
        sales.price[rows],
        sales.ineligible[rows],
        sales.frame.take(rows),
        sales.version,
    )


def first(sales: Sales, count: int) -> Sales:
    """Return the first sales."""
    rows = np.arange(count)
    return Sales(
        sales.sale_id[rows],
        sales.property_id[rows],
        sales.document_number[rows],
        sales.day[rows],
        sales.known_day[rows],
        sales.price[rows],
        sales.ineligible[rows],
        sales.frame.take(rows),
        f"first-{count}",
    )
