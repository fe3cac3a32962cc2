"""What the roll says of a property, as far as pages show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from producer.console.drawing.positions import Place
from producer.gateway import Gateway

_NEIGHBORHOOD = "neighborhood"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A property on the roll; an empty one stands for a property that the roll does not hold (any more)."""

    property_id: str
    known: Mapping[str, Any] = field(default_factory=dict)

    @property
    def on_roll(self) -> bool:
        """Return whether the roll holds it."""
        return bool(self.known)

    @property
    def address(self) -> str | None:
        """Return its address."""
        address = self.known.get("address")
        return address if isinstance(address, str) and address else None

    @property
    def place(self) -> Place | None:
        """Return where it lies, None where its coordinates are not known."""
        latitude, longitude = self.known.get("latitude"), self.known.get("longitude")
        if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
            return None
        return Place(latitude, longitude)

    def characteristic(self, name: str) -> float | str | None:
        """Return one characteristic, None where it is not known; ``location`` is the neighborhood."""
        value = self.known.get(_NEIGHBORHOOD if name == "location" else name)
        if value is None and isinstance(features := self.known.get("features"), Mapping):
            value = features.get(name)
        return value if isinstance(value, int | float | str) and not isinstance(value, bool) else None


async def parcel(gateway: Gateway, county_id: str, property_id: str | None) -> Parcel:
    """Return a property as the gateway's copy of the roll holds it."""
    found = None if property_id is None else await gateway.properties.find(county_id, property_id)
    return Parcel(property_id or "", {} if found is None else orjson.loads(found))
