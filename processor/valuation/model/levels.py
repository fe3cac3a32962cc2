"""A kept level as bytes: three rows of float64, the days, the days on which sales became known, and the residuals."""

import numpy as np

from processor.valuation.model.market import Level


def packed(level: Level) -> bytes:
    """Return a level as bytes; the name of its pool is not among them."""
    return np.stack([level.day.astype(np.float64), level.known_day.astype(np.float64), level.residual]).tobytes()


def unpacked(content: bytes, pool: str) -> Level:
    """Return the level of a pool from its bytes.

    Raises:
        ValueError: they are no level's.
    """
    table = np.frombuffer(content).reshape(3, -1)
    return Level(table[0].astype(np.int64), table[1].astype(np.int64), table[2], pool)
