"""Draws the houses of the sample county, and says what each is truly worth at the index date.

The worth is a cost form in one place::

    worth    = level(place) * nearby(lat, long) * class * (land + building)
    land     = 78,000 * sqrt(lot / 8,000) * (1 + .09 view) * (1 + .45 waterfront)
    building = (95 + 14 quality + 1.6 quality^2) * 6.5 * living^.75 * wear + .35 of that rate * basement^.75 ...
    wear     = condition * (1 - .55 age / (age + 60)),   age from the last renovation on counts half

with dollars for garage, bathrooms, fireplaces and pool. No term needs more than square roots.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from deploy.sample.draws import Draws, Floats, Ints
from deploy.sample.places import CENTRES, PLACES

VALUATION_YEAR: Final = 2026
CLASSES: Final = ("Single family", "Townhouse", "Manufactured", "Duplex")
HEATING: Final = ("Forced air", "Heat pump", "Baseboard", "None")
ROOFS: Final = ("Composition", "Tile", "Metal")
_GARAGES: Final = np.array([0.0, 260.0, 460.0, 720.0])
_BASEMENTS_UNTIL: Final = 1975
_RIVER_VIEW: Final = 3
_CLASS_LEVEL: Final = np.array([1.0, 0.94, 0.66, 0.97])
_CONDITION_LEVEL: Final = np.array([0.78, 0.89, 1.0, 1.06, 1.11])
_HEATING_LEVEL: Final = np.array([1.0, 1.02, 0.97, 0.95])
_ROOF_LEVEL: Final = np.array([1.0, 1.03, 1.01])


@dataclass(frozen=True, slots=True)
class Fittings:
    """What a house has beside rooms, in columns."""

    fireplaces: Ints
    pool: Ints
    heating: Ints
    roof: Ints

    def __getitem__(self, rows: Ints) -> "Fittings":
        return Fittings(self.fireplaces[rows], self.pool[rows], self.heating[rows], self.roof[rows])


@dataclass(frozen=True, slots=True)
class Houses:
    """Every property of the county in columns; codes index the tuples above and ``PLACES``."""

    place: Ints
    latitude: Floats
    longitude: Floats
    kind: Ints
    living: Floats
    lot: Floats
    basement: Floats
    garage: Floats
    year_built: Ints
    year_renovated: Ints
    """0: never."""
    bedrooms: Ints
    bathrooms: Floats
    stories: Floats
    quality: Ints
    condition: Ints
    view: Ints
    waterfront: Ints
    fittings: Fittings

    def __len__(self) -> int:
        return len(self.place)

    def take(self, rows: Ints) -> "Houses":
        """Return the houses of the named rows."""
        return Houses(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def draw_houses(draws: Draws, n: int) -> Houses:
    """Draw ``n`` houses."""
    place = draws.pick(n, [each.share for each in PLACES])
    quality = np.clip(np.rint(_of_place(place, "quality") + 0.9 * draws.bell(n)), 1, 8)
    year = np.clip(np.rint(_of_place(place, "year") + 9 * draws.bell(n)), 1906, VALUATION_YEAR - 1)
    kind, living = _sizes(draws, quality)
    stories = np.where(draws.chance(n, 0.12 + 0.0001 * living), 2.0, 1.0)
    latitude = _of_place(place, "latitude") + _of_place(place, "spread") * draws.bell(n)
    view = np.where(draws.chance(n, _of_place(place, "view")), 1 + draws.pick(n, (5, 3, 2, 1)), 0)
    year_renovated, east = _renovations(draws, year), 1.45 * _of_place(place, "spread")
    return Houses(
        place=place,
        latitude=np.rint(latitude * 1e6) / 1e6,
        longitude=np.rint((_of_place(place, "longitude") + east * draws.bell(n)) * 1e6) / 1e6,
        kind=kind,
        living=living,
        lot=np.rint(_of_place(place, "lot") * _skewed(draws, n) * np.where(kind == 1, 0.45, 1.0)),
        basement=np.where(draws.chance(n, np.where(year < _BASEMENTS_UNTIL, 0.35, 0.08)), np.rint(living * 0.45), 0.0),
        garage=_GARAGES[draws.pick(n, (9, 22, 53, 16))],
        year_built=year.astype(np.int64),
        year_renovated=year_renovated,
        bedrooms=np.clip(np.rint(1.1 + living / 800 + 0.6 * draws.bell(n)), 1, 7).astype(np.int64),
        bathrooms=np.clip(np.rint((0.6 + living / 1100 + 0.35 * draws.bell(n)) * 4) / 4, 1, 6),
        stories=stories,
        quality=quality.astype(np.int64),
        condition=1 + draws.pick(n, (2, 10, 62, 20, 6)),
        view=view,
        waterfront=(draws.uniform(n) < np.where(view >= _RIVER_VIEW, 0.2, 0.0)).astype(np.int64),
        fittings=_fittings(draws, n),
    )


def worth(houses: Houses) -> Floats:
    """Return each house's true worth in dollars at the index date."""
    fittings = houses.fittings
    age = VALUATION_YEAR - np.where(houses.year_renovated > 0, _half_renewed(houses), houses.year_built)
    wear = _CONDITION_LEVEL[houses.condition - 1] * (1 - 0.55 * age / (age + 60))
    rate = 95 + 14 * houses.quality + 1.6 * houses.quality * houses.quality
    rate = rate * _HEATING_LEVEL[fittings.heating] * _ROOF_LEVEL[fittings.roof] * (1 + 0.02 * (houses.stories - 1))
    building = rate * 6.5 * (_to_three_quarters(houses.living) + 0.35 * _to_three_quarters(houses.basement)) * wear
    extras = 42 * houses.garage + 6000 * houses.bathrooms + 5000 * fittings.fireplaces + 24000 * fittings.pool
    land = 78_000 * np.sqrt(houses.lot / 8000) * (1 + 0.09 * houses.view) * (1 + 0.45 * houses.waterfront)
    total = land + building + extras
    worths: Floats = total * _of_place(houses.place, "level") * _nearby(houses) * _CLASS_LEVEL[houses.kind]
    return worths


def _of_place(place: Ints, what: str) -> Floats:
    of_each: Floats = np.array([getattr(each, what) for each in PLACES], dtype=np.float64)
    return of_each[place]


def _sizes(draws: Draws, quality: Floats) -> tuple[Ints, Floats]:
    """Draw class and living area."""
    kind = draws.pick(len(quality), (86, 6, 5, 3))
    common = np.array([1.0, 0.82, 0.75, 1.15])[kind] * (700 + 265 * quality)
    return kind, np.rint(np.clip(common * (1 + 0.20 * draws.bell(len(kind))), 480, 6800))


def _fittings(draws: Draws, n: int) -> Fittings:
    return Fittings(
        fireplaces=draws.pick(n, (40, 50, 10)),
        pool=draws.chance(n, 0.06).astype(np.int64),
        heating=draws.pick(n, (55, 30, 13, 2)),
        roof=draws.pick(n, (84, 11, 5)),
    )


def _renovations(draws: Draws, year: Floats) -> Ints:
    """Draw which of the older houses were renovated, and when; 0 for never."""
    renovated = draws.chance(len(year), np.clip(0.0035 * (VALUATION_YEAR - year), 0, 0.25))
    renovation = np.rint(year + 12 + (VALUATION_YEAR - year - 12) * draws.uniform(len(year)))
    return np.where(renovated & (year < VALUATION_YEAR - 13), renovation, 0).astype(np.int64)


def _skewed(draws: Draws, n: int) -> Floats:
    bell = draws.bell(n)
    return np.clip(1 + 0.3 * bell + 0.06 * bell * bell, 0.35, 4.0)


def _half_renewed(houses: Houses) -> Floats:
    return (houses.year_built + houses.year_renovated) / 2


def _to_three_quarters(area: Floats) -> Floats:
    root = np.sqrt(area)
    return root * np.sqrt(root)


def _nearby(houses: Houses) -> Floats:
    """Return the smooth part of location: bumps around three centres."""
    level = np.ones(len(houses))
    for latitude, longitude, reach, share in CENTRES:
        north = (houses.latitude - latitude) / reach
        east = (houses.longitude - longitude) * 0.69 / reach
        level = level + share / (1 + north * north + east * east)
    return level
