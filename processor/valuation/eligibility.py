"""Which sales may serve as evidence, and why the others may not: nothing is dropped silently."""

from typing import Final

import numpy as np

from processor.valuation.frame import Floats, Objects, Sales
from processor.valuation.plausibility import Bools, doubted_columns, implausible, none_of

_LOWEST_PRICE: Final = 1_000.0
_LOWEST_SHARE_OF_MEDIAN: Final = 0.05
_LONGEST_HISTORY_DAYS: Final = 30 * 365
_FLIP_DAYS: Final = 365
_FLIP_LOG_CHANGE: Final = 0.5
_RATIO_OF_UNIT_PRICES: Final = 12.0
_DEFECTS: Final = ("living_area_sqft", "lot_size_sqft", "bedrooms", "bathrooms", "year_built")

BY_COUNTY: Final = "excluded_by_county"
NO_PRICE: Final = "price_not_positive"
PRICE_FLOOR: Final = "below_price_floor"
DATE: Final = "impossible_date"
RECORD: Final = "impossible_record"
DUPLICATE: Final = "duplicate_sale"
FLIP: Final = "early_leg_of_a_flip"
UNIT_PRICE: Final = "unit_price_outlier"
OUTLIER: Final = "ratio_outlier"


class Verdicts:
    """Collects one reason per sale; the first one found stands."""

    def __init__(self, n: int) -> None:
        self.reasons: Objects = np.full(n, None, dtype=object)

    @property
    def eligible(self) -> Bools:
        """The sales against which nothing has been said."""
        return none_of(self.reasons)

    def exclude(self, rows: Bools, reason: str) -> None:
        """Exclude the marked sales that nothing has excluded before."""
        self.reasons[rows & self.eligible] = reason


def judge(sales: Sales) -> Objects:
    """Return for each sale None (eligible) or the reason why it is no evidence of market value.

    Looks at records only; whether a price fits the market at all is judged by the hedonic (``ratio_outlier``).
    """
    verdicts = Verdicts(len(sales))
    verdicts.reasons[:] = sales.ineligible
    verdicts.exclude(~(np.isfinite(sales.price) & (sales.price > 0)), NO_PRICE)
    if not verdicts.eligible.any():
        return verdicts.reasons
    median = float(np.median(sales.price[verdicts.eligible]))
    verdicts.exclude(sales.price < max(_LOWEST_PRICE, _LOWEST_SHARE_OF_MEDIAN * median), PRICE_FLOOR)
    verdicts.exclude(_impossible_dates(sales, verdicts.eligible), DATE)
    verdicts.exclude(_impossible_records(sales), RECORD)
    verdicts.exclude(_duplicates(sales, verdicts.eligible), DUPLICATE)
    verdicts.exclude(_flips(sales, verdicts.eligible), FLIP)
    verdicts.exclude(_unit_price_outliers(sales, verdicts.eligible), UNIT_PRICE)
    return verdicts.reasons


def _impossible_dates(sales: Sales, eligible: Bools) -> Bools:
    if not eligible.any():
        return np.zeros(len(sales), dtype=bool)
    return np.abs(sales.day - np.median(sales.day[eligible])) > _LONGEST_HISTORY_DAYS


def _impossible_records(sales: Sales) -> Bools:
    found = implausible(sales.frame, sales.day)
    doubted = doubted_columns(found)
    rows = [found[name] for name in _DEFECTS if name in found and name not in doubted]
    return np.any(rows, axis=0) if rows else np.zeros(len(sales), dtype=bool)


def _neighbours_in_time(sales: Sales, eligible: Bools) -> tuple[Objects, Objects]:
    """Return pairs of rows (earlier, later) that are consecutive eligible sales of one property."""
    rows = np.flatnonzero(eligible)
    order = rows[np.lexsort((sales.sale_id[rows].astype(str), sales.day[rows], sales.property_id[rows].astype(str)))]
    same = sales.property_id[order[1:]] == sales.property_id[order[:-1]]
    return order[:-1][same], order[1:][same]


def _duplicates(sales: Sales, eligible: Bools) -> Bools:
    marked = np.zeros(len(sales), dtype=bool)
    first, second = _neighbours_in_time(sales, eligible)
    same = (sales.day[first] == sales.day[second]) & (sales.price[first] == sales.price[second])
    marked[second[same]] = True
    return marked


def _flips(sales: Sales, eligible: Bools) -> Bools:
    """Mark the earlier of two sales within a year whose prices are worlds apart: one of them was no market price."""
    marked = np.zeros(len(sales), dtype=bool)
    first, second = _neighbours_in_time(sales, eligible)
    change = np.abs(np.log(sales.price[second].astype(float) / sales.price[first].astype(float)))
    soon = sales.day[second] - sales.day[first] <= _FLIP_DAYS
    marked[first[soon & (change > _FLIP_LOG_CHANGE)]] = True
    return marked


def _unit_price_outliers(sales: Sales, eligible: Bools) -> Bools:
    area = sales.frame.number("living_area_sqft")
    unit: Floats = np.full(len(sales), np.nan)
    usable = eligible & (area > 1)
    unit[usable] = sales.price[usable] / area[usable]
    if not usable.any():
        return usable
    median = np.median(unit[usable])
    return np.asarray((unit / _RATIO_OF_UNIT_PRICES > median) | (unit < median / _RATIO_OF_UNIT_PRICES))
