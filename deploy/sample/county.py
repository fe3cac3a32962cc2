"""The sample county's records, as they are published and as they are written to files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deploy.sample.draws import Draws
from deploy.sample.houses import CLASSES, HEATING, ROOFS, Houses, draw_houses, worth
from deploy.sample.market import DEED, SALE_TYPES, Trades, draw_trades, market_level
from deploy.sample.places import PLACES, STREETS, SUFFIXES
from schemas.clock import iso_date

COUNTY: Final = "BENTON"
PROPERTIES: Final = 5_000
SEED: Final = 20261031
_COMMON_HOUSE: Final = 122
"""Row of PROP123."""
_LAST: Final = PROPERTIES - 1
"""Row of PROP_FAIL_SIMULATION."""
_MIDDLE_PLACE: Final = [place.name for place in PLACES].index("Queensgate")
_MIDDLE_AREA: Final = 1950
_MIDDLE_CONDITION: Final = 3
_MONTHS_SINCE_ASSESSMENT: Final = 21

Value = str | int | float | None
Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SampleCounty:
    """Every record of the sample county, in a fixed order."""

    properties: Sequence[Record]
    sales: Sequence[Record]


@lru_cache(maxsize=1)
def sample_county() -> SampleCounty:
    """Generate the county; the same on every machine. Takes about a second."""
    draws = Draws(SEED)
    houses = _with_a_common_house(draw_houses(draws, PROPERTIES))
    spared = np.array([_COMMON_HOUSE, _LAST])
    trades = draw_trades(draws, houses, spared)
    unknown = _unknown(draws, spared)
    addresses = _addresses(draws, houses)
    assessed = _assessed(draws, houses)
    properties = [
        _property(row) | {"address": addresses[row]} | values | {"assessed_value": assessed[row], "features": features}
        for row, (values, features) in enumerate(_characteristics(houses, unknown))
    ]
    return SampleCounty(properties, _sales(trades, unknown, addresses))


def _with_a_common_house(houses: Houses) -> Houses:
    """Give PROP123 the place of the most ordinary house: of middle size in a middle neighbourhood."""
    ordinary = (houses.kind == 0) & (houses.condition == _MIDDLE_CONDITION) & (houses.year_renovated == 0)
    strange = np.where(ordinary & (houses.view == 0), np.abs(houses.living - _MIDDLE_AREA), np.inf)
    strange = strange + np.where(houses.place == _MIDDLE_PLACE, 0.0, np.inf)
    order = np.arange(len(houses))
    common = int(np.argmin(strange))
    order[[_COMMON_HOUSE, common]] = common, _COMMON_HOUSE
    return houses.take(order)


def property_id(row: int) -> str:
    """Return the id of a property by its row."""
    return "PROP_FAIL_SIMULATION" if row == _LAST else f"PROP{row + 1}"


def _property(row: int) -> dict[str, object]:
    return {"property_id": property_id(row), "county_id": COUNTY}


def _sales(trades: Trades, unknown: Mapping[str, NDArray[np.bool_]], addresses: Sequence[str]) -> list[Record]:
    hidden = {name: cells[trades.row] for name, cells in unknown.items()}
    characteristics = _characteristics(trades.house, hidden)
    sales: list[Record] = []
    for n, (values, features) in enumerate(characteristics):
        row, original = int(trades.row[n]), int(trades.same_as[n])
        kind = SALE_TYPES[trades.kind[n]]
        eligible = {"eligible": kind == DEED} | ({} if kind == DEED else {"ineligible_reason": f"sale_type is {kind}"})
        day = iso_date(int(trades.day[n]))
        sales.append(
            {"sale_id": f"S{n + 1:05d}"}
            | _property(row)
            | {"document_number": f"{day[:4]}-{(n if original < 0 else original) + 1:06d}"}
            | {"sale_date": day, "sale_price": int(trades.price[n])}
            | eligible
            | {"address": addresses[row]}
            | values
            | {"features": features}
        )
    return sales


def _characteristics(
    houses: Houses, unknown: Mapping[str, NDArray[np.bool_]]
) -> list[tuple[dict[str, Value], dict[str, Value]]]:
    standard: dict[str, Sequence[Value]] = {
        "latitude": houses.latitude.tolist(),
        "longitude": houses.longitude.tolist(),
        "neighborhood": [PLACES[place].name for place in houses.place],
        "property_class": [CLASSES[kind] for kind in houses.kind],
        "living_area_sqft": _whole(houses.living),
        "lot_size_sqft": _whole(houses.lot),
        "basement_sqft": _whole(houses.basement),
        "garage_sqft": _whole(houses.garage),
        "year_built": houses.year_built.tolist(),
        "year_renovated": [year or None for year in houses.year_renovated.tolist()],
        "bedrooms": houses.bedrooms.tolist(),
        "bathrooms": houses.bathrooms.tolist(),
        "stories": _whole(houses.stories),
        "quality": houses.quality.tolist(),
        "condition": houses.condition.tolist(),
        "view": houses.view.tolist(),
        "waterfront": houses.waterfront.tolist(),
    }
    own: dict[str, Sequence[Value]] = {
        "fireplaces": houses.fittings.fireplaces.tolist(),
        "pool": houses.fittings.pool.tolist(),
        "heating": [HEATING[code] for code in houses.fittings.heating],
        "roof": [ROOFS[code] for code in houses.fittings.roof],
    }
    return list(zip(_rows(standard, unknown), _rows(own, unknown), strict=True))


def _rows(columns: Mapping[str, Sequence[Value]], unknown: Mapping[str, NDArray[np.bool_]]) -> list[dict[str, Value]]:
    shown = [
        [None if hide else value for value, hide in zip(values, unknown[name], strict=True)]
        if name in unknown
        else values
        for name, values in columns.items()
    ]
    return [
        {name: value for name, value in zip(columns, row, strict=True) if value is not None}
        for row in zip(*shown, strict=True)
    ]


def _unknown(draws: Draws, spared: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    """Draw which cells nobody ever filled in."""
    shares = {"lot_size_sqft": 0.01, "garage_sqft": 0.01, "condition": 0.005, "year_built": 0.004, "heating": 0.02}
    unknown = {name: draws.chance(PROPERTIES, share) for name, share in shares.items()}
    for cells in unknown.values():
        cells[spared] = False
    return unknown


def _addresses(draws: Draws, houses: Houses) -> list[str]:
    numbers = 100 + draws.pick(len(houses), [1.0] * 9_800)
    streets = draws.pick(len(houses), [1.0] * len(STREETS))
    suffixes = draws.pick(len(houses), [1.0] * len(SUFFIXES))
    return [
        f"{number} {STREETS[street]} {SUFFIXES[suffix]}, {PLACES[place].city}, WA {PLACES[place].zipcode}"
        for number, street, suffix, place in zip(numbers, streets, suffixes, houses.place, strict=True)
    ]


def _assessed(draws: Draws, houses: Houses) -> list[int]:
    """Draw the last roll's assessed values: the worth at its date, a little low, with an error of 6 %."""
    level = market_level()[-1 - _MONTHS_SINCE_ASSESSMENT]
    return _whole(np.rint(worth(houses) * level * 0.94 * (1 + 0.06 * draws.bell(len(houses))) / 100) * 100)


def _whole(values: NDArray[np.float64]) -> list[int]:
    whole: list[int] = values.astype(np.int64).tolist()
    return whole
