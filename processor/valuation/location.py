"""Where a property lies: a local plane in kilometres and a smooth price surface over it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from processor.valuation.frame import Floats, Frame

_KM_PER_DEGREE_LATITUDE: Final = 110.574
_KM_PER_DEGREE_LONGITUDE: Final = 111.320
_SALES_PER_BUMP: Final = 40
_MOST_BUMPS: Final = 128
_NARROWEST_KM: Final = 0.2
_OVERLAPPING: Final = 3
_ROWS_AT_ONCE: Final = 1_024


@dataclass(frozen=True, slots=True)
class Plane:
    """A projection good for one county: kilometres east and north of its median sale."""

    latitude: float
    longitude: float

    @classmethod
    def of(cls, frame: Frame) -> "Plane":
        """Centre a plane on the rows with coordinates."""
        latitude, longitude = frame.number("latitude"), frame.number("longitude")
        known = np.isfinite(latitude) & np.isfinite(longitude)
        return cls(float(np.median(latitude[known])), float(np.median(longitude[known])))

    def project(self, frame: Frame) -> tuple[Floats, Floats]:
        """Return km east and km north, NaN where either coordinate is unknown."""
        squeeze = _KM_PER_DEGREE_LONGITUDE * float(np.cos(np.radians(self.latitude)))
        east = (frame.number("longitude") - self.longitude) * squeeze
        north = (frame.number("latitude") - self.latitude) * _KM_PER_DEGREE_LATITUDE
        unknown = np.isnan(east) | np.isnan(north)
        return np.where(unknown, np.nan, east), np.where(unknown, np.nan, north)


@dataclass(frozen=True, slots=True)
class Surface:
    """Gaussian bumps spread evenly over the sales; their weights are fitted with the hedonic."""

    plane: Plane
    east: Floats
    north: Floats
    width: Floats

    @classmethod
    def over(cls, frame: Frame) -> "Surface":
        """Place bumps so that each stands for about the same number of sales."""
        plane = Plane.of(frame)
        east, north = plane.project(frame)
        known = np.isfinite(east)
        centres = bump_centres(np.column_stack([east[known], north[known]]), _MOST_BUMPS)
        return cls(plane, centres[:, 0].copy(), centres[:, 1].copy(), bump_widths(centres, _OVERLAPPING))

    def columns(self, east: Floats, north: Floats) -> Floats:
        """Return the height of every bump [n, bumps] at places in km; 0 where the place is unknown."""
        squared = (east[:, None] - self.east) ** 2 + (north[:, None] - self.north) ** 2
        return np.exp(np.where(np.isnan(squared), -np.inf, -squared / self.width**2))

    def at(self, east: Floats, north: Floats, weights: Floats) -> Floats:
        """Return the height of the surface at places in km."""
        height = np.empty(len(east))
        for start in range(0, len(east), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            height[rows] = (self.columns(east[rows], north[rows]) * weights).sum(axis=1)
        return height


def bump_centres(points: Floats, most: int) -> Floats:
    """Return up to ``most`` places [m, 2] that stand for about the same number of ``points`` each; none where few."""
    count = min(most, len(points) // _SALES_PER_BUMP)
    if count <= 1:
        return np.zeros((0, 2))
    return np.array([cell.mean(axis=0) for cell in _halves(points, count)])


def _halves(points: Floats, count: int) -> list[Floats]:
    """Split the points at medians of their longer side until there are ``count`` cells of about equal size."""
    cells = [points]
    while len(cells) < count:
        cells.sort(key=len)
        cell = cells.pop()
        axis = int(np.argmax(np.ptp(cell, axis=0)))
        order = np.argsort(cell[:, axis], kind="stable")
        half = len(cell) // 2
        cells += [cell[order[:half]], cell[order[half:]]]
    return cells


def bump_widths(centres: Floats, overlapping: int) -> Floats:
    """Return for each centre the distance to its so-manyeth neighbour: wide enough to overlap, not to blur."""
    if not len(centres):
        return np.zeros(0)
    distance = np.hypot(centres[:, None, 0] - centres[:, 0], centres[:, None, 1] - centres[:, 1])
    neighbour = np.sort(distance, axis=1)[:, min(overlapping, len(centres) - 1)]
    widths: Floats = np.fmax(neighbour, _NARROWEST_KM)
    return widths
