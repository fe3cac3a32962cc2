"""Which characteristics the roll keeps, and which values each may have."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

from schemas.records import NUMERIC_FIELDS, TEXT_FIELDS

_UNREAD: Final = frozenset({"address"})
"""Standard fields no engine reads: an address a property would take as much memory as all numbers together."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a characteristic may be: a number within bounds, a text, or either."""

    number: bool = True
    text: bool = True
    low: float = -inf
    high: float = inf


ANY: Final = Rule()
"""A county's own feature: number or text."""

_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 180.0),
} | dict.fromkeys(
    ("living_area_sqft", "lot_size_sqft", "basement_sqft", "garage_sqft", "bedrooms", "bathrooms", "stories"),
    (0.0, inf),
)


def _number(name: str) -> Rule:
    low, high = _BOUNDS.get(name, (-inf, inf))
    return Rule(text=False, low=low, high=high)


STANDARD: Final[Mapping[str, Rule]] = {name: _number(name) for name in NUMERIC_FIELDS} | {
    name: Rule(number=False) for name in TEXT_FIELDS if name not in _UNREAD
}
"""The standard fields the roll keeps."""
