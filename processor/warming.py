"""Makes engines before requests come: compiling their kernels and reading a county's sales takes seconds, once.

A worker that is ready answers its first request as quickly as the later ones.
"""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

import numpy as np

from processor.handler import Engines
from processor.valuation.frame import Sales, Subjects
from schemas.logs import get_logger

_MOST_COUNTIES: Final = 16

_log = get_logger(__name__)


class KnownCounties(Protocol):
    """What a roll tells of its counties."""

    def sizes(self) -> Mapping[str, int]:
        """Return how many properties each county has."""
        ...

    def sales(self, county_id: str) -> Sales:
        """Return a county's sales."""
        ...


def warm_up(roll: KnownCounties, engines: Engines, stopped: Callable[[], bool]) -> int:
    """Let the engines of the largest counties value a property each, until ``stopped``; return how many did.

    A county whose engine fails is told of and passed over: its requests will tell more.
    """
    sizes, warm = roll.sizes(), 0
    for county_id in sorted(sizes, key=lambda county_id: (-sizes[county_id], county_id))[:_MOST_COUNTIES]:
        sales = roll.sales(county_id)
        if stopped() or not len(sales):
            continue
        try:
            engine = engines.engine(county_id)
            if engine is not None:
                engine.value(_last_sold(sales))
                warm += 1
        except Exception as wrong:  # noqa: BLE001 - nothing that goes wrong here may keep a worker from starting
            _log.warning("a county's engine could not be tried", county_id=county_id, exc_info=wrong)
    return warm


def _last_sold(sales: Sales) -> Subjects:
    """Return the property of the last sale, to be valued on the day after it."""
    row = np.array([len(sales) - 1])
    return Subjects(sales.property_id[row].tolist(), sales.frame.take(row), sales.day[row] + 1, [None])
