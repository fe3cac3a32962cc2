"""Draws thirty-six months of sales of the sample county's houses, clean and dirty.

A price is the house's true worth as of the sale, times the market's level in that month, times noise of 7.5 % (twice
that for one sale in twenty-five). Beside them: transfers that are no market sales, most of them labelled; flips; sales
recorded twice; slips of the pen in price and characteristics.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deploy.sample.draws import Draws, Floats, Ints
from deploy.sample.houses import Houses, worth

FIRST_DAY: Final = date(2023, 11, 1)
LAST_DAY: Final = date(2026, 10, 31)
DEED: Final = "Warranty deed"
SALE_TYPES: Final = (DEED, "Family transfer", "Foreclosure", "Quit claim deed", "Estate sale")
NOISE: Final = 0.075
_SALES: Final = 4_850
_FLIPS: Final = 12
_TWICE: Final = 8
_SEASON: Final = (0.70, 0.75, 0.95, 1.05, 1.20, 1.25, 1.20, 1.15, 1.00, 0.95, 0.85, 0.75)
_SEASON_LEVEL: Final = (-0.012, -0.008, 0.0, 0.006, 0.012, 0.012, 0.009, 0.004, 0.0, -0.003, -0.008, -0.012)
_YEARLY_GROWTH: Final = {2023: 0.048, 2024: 0.048, 2025: 0.012, 2026: 0.036}


@dataclass(frozen=True, slots=True)
class Trades:
    """Every recorded sale in columns, in order of days; ``house`` holds the characteristics as of the sale."""

    row: Ints
    """Which house of the county."""
    day: Ints
    """Days since 1970-01-01."""
    price: Ints
    kind: Ints
    """Index into ``SALE_TYPES``."""
    same_as: Ints
    """Row of the sale that this one records again, else -1."""
    house: Houses


def months() -> list[date]:
    """Return the first day of every month in the window."""
    return [date(2023 + (10 + n) // 12, (10 + n) % 12 + 1, 1) for n in range(36)]


def market_level() -> Floats:
    """Return the market's true level by month; the last month of the window has level 1."""
    trend, levels = 1.0, []
    for month in reversed(months()):
        levels.append(trend * (1 + _SEASON_LEVEL[month.month - 1]))
        trend = trend / (1 + _YEARLY_GROWTH[month.year] / 12)
    return np.array(levels[::-1]) / levels[0]


def draw_trades(draws: Draws, houses: Houses, spared: Ints) -> Trades:
    """Draw the sales; the ``spared`` houses have none that is dirty."""
    rows, month, day = _occasions(draws, houses)
    n = len(rows)
    house = _as_of(houses.take(rows), day)
    clean = np.isin(rows, spared)
    noise = NOISE * draws.bell(n) * np.where(draws.chance(n, 0.04), 2.0, 1.0)
    kind = np.where(draws.chance(n, 0.045) & ~clean, 1 + draws.pick(n, (4, 2, 3, 1)), 0)
    share = np.where(kind > 0, draws.between(n, 0.25, 0.85), 1.0)
    stray = draws.chance(n, 0.006) & ~clean & (kind == 0)
    share = np.where(stray, np.where(draws.chance(n, 0.5), 0.5, 1.9) * draws.between(n, 0.8, 1.2), share)
    price = worth(house) * market_level()[month] * (1 + noise + noise * noise / 2) * share
    trades = Trades(rows, day, _to_hundreds(price), kind, np.full(n, -1), house)
    return _in_order(_with_slips(draws, _with_repeats(draws, trades, clean), spared))


def _occasions(draws: Draws, houses: Houses) -> tuple[Ints, Ints, Ints]:
    """Draw which house sells when: never before it was built, and no house twice within a month."""
    first = np.array([(each - date(1970, 1, 1)).days for each in months()])
    rows = draws.pick(_SALES, [1.0] * len(houses))
    month = draws.pick(_SALES, [_SEASON[each.month - 1] for each in months()])
    day = first[month] + draws.pick(_SALES, [1.0] * 28)
    built = houses.year_built[rows] <= np.array([each.year for each in months()])[month]
    _, once = np.unique(rows * 36 + month, return_index=True)
    kept = np.intersect1d(np.flatnonzero(built), once)
    return rows[kept], month[kept], day[kept]


def _as_of(house: Houses, day: Ints) -> Houses:
    """Undo renovations later than the sale."""
    year = np.array([(date(1970, 1, 1) + timedelta(days=int(each))).year for each in day])
    later = house.year_renovated >= year
    return replace(
        house,
        year_renovated=np.where(later, 0, house.year_renovated),
        condition=np.where(later, np.minimum(house.condition, 3), house.condition),
    )


def _with_repeats(draws: Draws, trades: Trades, clean: NDArray[np.bool_]) -> Trades:
    """Add resales within months at a third more, and sales recorded a second time under another id."""
    usable = np.flatnonzero(~clean & (trades.kind == 0) & (trades.day < trades.day.max() - 120))
    chosen = usable[np.unique(draws.pick(_FLIPS + _TWICE, [1.0] * len(usable)))]
    flips, twice = chosen[:_FLIPS], chosen[_FLIPS:]
    again = np.concatenate([flips, twice])
    delay = np.where(np.arange(len(again)) < len(flips), 45 + draws.pick(len(again), [1.0] * 60), 0)
    dearer = np.where(delay > 0, 1.34, 1.0)
    same = np.concatenate([np.full(len(flips), -1), twice])
    rows = np.concatenate([np.arange(len(trades.row)), again])
    return Trades(
        trades.row[rows],
        np.concatenate([trades.day, trades.day[again] + delay]),
        np.concatenate([trades.price, _to_hundreds(trades.price[again] * dearer)]),
        trades.kind[rows],
        np.concatenate([trades.same_as, same]),
        trades.house.take(rows),
    )


def _with_slips(draws: Draws, trades: Trades, spared: Ints) -> Trades:
    """Misrecord eight market sales: bedrooms, areas, years and prices that cannot be."""
    usable = np.flatnonzero(~np.isin(trades.row, spared) & (trades.kind == 0) & (trades.same_as < 0))
    at = usable[draws.pick(8, [1.0] * len(usable))]
    house, price = trades.house, trades.price.copy()
    bedrooms, living, built, lot = house.bedrooms.copy(), house.living.copy(), house.year_built.copy(), house.lot.copy()
    bedrooms[at[0]], living[at[1]], living[at[2]] = 33, living[at[1]] * 10, 0
    built[at[3]], built[at[4]], lot[at[5]] = 2204, 198, 1
    price[at[6]], price[at[7]] = price[at[6]] // 10, price[at[7]] * 10
    return replace(
        trades, price=price, house=replace(house, bedrooms=bedrooms, living=living, year_built=built, lot=lot)
    )


def _in_order(trades: Trades) -> Trades:
    order = np.lexsort((trades.row, trades.day))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    same = trades.same_as[order]
    return Trades(
        trades.row[order],
        trades.day[order],
        trades.price[order],
        trades.kind[order],
        np.where(same >= 0, place[same], -1),
        trades.house.take(order),
    )


def _to_hundreds(price: Floats) -> Ints:
    return (np.rint(price / 100) * 100).astype(np.int64)
