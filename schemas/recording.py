"""When a sale may be known: nothing that a deed says is available on the day it is signed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

RECORDING_LAG_DAYS: Final = 14
"""Days from a sale's closing, or from the end of the month where only that is known, until it may be used."""


def known_days(days: NDArray[np.int64], month_precision: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first day each sale may be known, in days since 1970-01-01 like its day."""
    following = days.astype("datetime64[D]").astype("datetime64[M]") + 1
    month_ends = following.astype("datetime64[D]").astype(np.int64) - 1
    return np.where(month_precision, month_ends, days) + RECORDING_LAG_DAYS


def known_day(day: int, *, month_precision: bool) -> int:
    """Return the first day one sale may be known."""
    return (
        int(known_days(np.array([day]), np.array([month_precision]))[0])
        if month_precision
        else day + RECORDING_LAG_DAYS
    )
