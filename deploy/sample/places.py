"""The sample county's map: its neighbourhoods around Richland and Kennewick, with invented price levels."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """One neighbourhood. ``level`` multiplies the price of the same house on the same lot elsewhere."""

    name: str
    city: str
    zipcode: str
    latitude: float
    longitude: float
    spread: float
    """Deviation of its houses from its centre, in degrees of latitude."""
    share: float
    """Its part of the county's properties, in proportion to the others'."""
    level: float
    year: int
    """When it was built, about."""
    lot: int
    """Square feet of a common lot."""
    quality: float
    """Construction quality of a common house, 1-8."""
    view: float
    """Probability of a view."""


PLACES: Final = (
    Place("Uptown", "Richland", "99354", 46.2930, -119.2830, 0.006, 5, 1.00, 1952, 7400, 3.2, 0.02),
    Place("North Richland", "Richland", "99354", 46.3250, -119.2800, 0.008, 4, 1.06, 1974, 9000, 4.2, 0.10),
    Place("Central Richland", "Richland", "99352", 46.2740, -119.2810, 0.006, 6, 0.98, 1950, 7800, 3.0, 0.02),
    Place("Meadow Springs", "Richland", "99352", 46.2330, -119.2560, 0.006, 5, 1.10, 1988, 10500, 4.9, 0.12),
    Place("Queensgate", "Richland", "99352", 46.2590, -119.3060, 0.006, 5, 1.08, 2006, 8200, 4.8, 0.06),
    Place("Badger Mountain South", "Richland", "99352", 46.2230, -119.3120, 0.007, 5, 1.14, 2016, 7000, 5.2, 0.22),
    Place("Horn Rapids", "Richland", "99354", 46.3260, -119.3330, 0.007, 6, 1.02, 2011, 7600, 4.6, 0.05),
    Place("Columbia Point", "Richland", "99352", 46.2620, -119.2640, 0.004, 2, 1.18, 1999, 5200, 5.4, 0.45),
    Place(
        "West Richland Heights", "West Richland", "99353", 46.3010, -119.3640, 0.009, 6, 0.99, 2003, 10400, 4.3, 0.08
    ),
    Place("Willamette Heights", "West Richland", "99353", 46.2870, -119.4020, 0.010, 4, 0.95, 1996, 14500, 4.0, 0.07),
    Place("Downtown Kennewick", "Kennewick", "99336", 46.2090, -119.1190, 0.005, 6, 0.84, 1948, 6600, 2.7, 0.01),
    Place("Highlands", "Kennewick", "99336", 46.2090, -119.1700, 0.006, 7, 0.92, 1966, 8600, 3.4, 0.03),
    Place("Columbia Park", "Kennewick", "99336", 46.2190, -119.1900, 0.004, 3, 1.03, 1979, 8300, 4.0, 0.20),
    Place("Southridge", "Kennewick", "99338", 46.1770, -119.1960, 0.008, 7, 1.04, 2013, 8100, 4.7, 0.18),
    Place("Canyon Lakes", "Kennewick", "99337", 46.1780, -119.1560, 0.006, 5, 1.10, 1995, 10200, 5.1, 0.25),
    Place("Panoramic Heights", "Kennewick", "99338", 46.1980, -119.2250, 0.006, 4, 1.12, 1998, 12600, 5.3, 0.35),
    Place("South Kennewick", "Kennewick", "99337", 46.1880, -119.1200, 0.007, 7, 0.90, 1977, 8400, 3.6, 0.05),
    Place("Lawrence Scott", "Kennewick", "99336", 46.2230, -119.2120, 0.005, 5, 0.97, 1984, 8000, 3.9, 0.04),
    Place("Finley", "Finley", "99337", 46.1480, -119.0350, 0.014, 3, 0.80, 1978, 42000, 3.1, 0.08),
    Place("Badger Canyon", "Kennewick", "99338", 46.1850, -119.2750, 0.014, 3, 1.02, 1994, 65000, 4.6, 0.20),
    Place("Benton City", "Benton City", "99320", 46.2630, -119.4880, 0.010, 4, 0.78, 1972, 12800, 3.1, 0.04),
    Place("Red Mountain", "Benton City", "99320", 46.2870, -119.4400, 0.010, 1, 1.05, 2001, 87000, 5.0, 0.40),
    Place("Prosser", "Prosser", "99350", 46.2070, -119.7690, 0.010, 5, 0.76, 1964, 9600, 3.2, 0.03),
    Place("Prosser Heights", "Prosser", "99350", 46.1930, -119.7850, 0.009, 2, 0.82, 1992, 15800, 4.0, 0.15),
)
"""Twenty-four neighbourhoods; the cities are where they are, everything else is made up."""

CENTRES: Final = (
    (46.2790, -119.2750, 0.030, 0.06),
    (46.2110, -119.1670, 0.035, 0.03),
    (46.2230, -119.2700, 0.040, 0.05),
)
"""What raises prices nearby beyond neighbourhoods: latitude, longitude, reach in degrees, share of the value."""

STREETS: Final = (
    *("Alder", "Birch", "Canal", "Chestnut", "Clover", "Columbia", "Dayton", "Edison", "Falcon", "Garfield", "Hansen"),
    *("Irving", "Jadwin", "Keene", "Leslie", "Lee", "Morain", "Newton", "Olympia", "Perry", "Quail", "Rainier"),
    *("Sagebrush", "Tulip", "Union", "Vista", "Wright", "Yakima", "Zillah"),
)
SUFFIXES: Final = ("Ave", "Ct", "Dr", "Ln", "Pl", "St", "Way")
