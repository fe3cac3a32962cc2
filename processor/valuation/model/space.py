"""Where a property lies: on the map in kilometres, and among properties that the market takes for alike."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from processor.valuation.frame import Floats, Ints
from processor.valuation.model.features import Inputs

_KM_PER_DEGREE: Final = 111.2


@dataclass(frozen=True, slots=True)
class Projection:
    """Flat kilometres around a county's middle; ``columns`` are latitude and longitude among the numbers."""

    columns: tuple[int, int]
    latitude: float
    longitude: float
    squeeze: float
    """Kilometres per degree of longitude."""

    @classmethod
    def around(cls, columns: tuple[int, int], numbers: Floats) -> "Projection":
        """Centre a projection on the median property."""
        latitude, longitude = (float(np.nanmedian(numbers[:, column])) for column in columns)
        squeeze = _KM_PER_DEGREE * float(np.cos(np.radians(latitude)))
        return cls(columns, latitude, longitude, round(squeeze, 9))

    def position(self, numbers: Floats) -> Floats:
        """Return [n, 2] km east and north of the middle, both NaN where either coordinate is unknown."""
        north = (numbers[:, self.columns[0]] - self.latitude) * _KM_PER_DEGREE
        east = (numbers[:, self.columns[1]] - self.longitude) * self.squeeze
        place = np.stack([east, north], axis=1)
        place[np.isnan(east) | np.isnan(north)] = np.nan
        return place


@dataclass(frozen=True, slots=True)
class Space:
    """The space of comparables: one unit is a difference that makes two properties worth telling apart.

    ``columns`` of the scaled numbers count ``weight`` around ``middle``; unknown numbers lie in the middle. Then
    follow per entry of ``categories`` the levels' places on a line, then the position over ``reach`` km.
    """

    columns: Ints
    middle: Floats
    weight: Floats
    categories: Ints
    places: tuple[Floats, ...]
    reach: float

    def locate(self, scaled: Floats, inputs: Inputs, position: Floats) -> Floats:
        """Return the coordinates [n, d] of properties; an unknown position lies in the county's middle."""
        n, k, c = len(scaled), len(self.columns), len(self.categories)
        points = np.empty((n, k + c + 2))
        points[:, :k] = (scaled[:, self.columns] - self.middle) * self.weight
        for at, (category, places) in enumerate(zip(self.categories, self.places, strict=True)):
            points[:, k + at] = places[inputs.codes[:, category]]
        points[:, k + c :] = position / self.reach
        points[np.isnan(points)] = 0.0
        return points
