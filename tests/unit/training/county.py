"""A made-up county of known prices: five areas, a rising market, some of everything that real files bring."""

import numpy as np

from processor.valuation.frame import Frame, Ints, Objects, Sales

FIRST_DAY = 16_000
DAYS = 720


def made_sales(n: int = 700, *, seed: int = 3, noise: float = 0.1, located: bool = True, trend: float = 0.05) -> Sales:
    rng = np.random.default_rng(seed)
    area = rng.integers(0, 5, n)
    east, north = area % 2 * 8.0 + rng.normal(0, 1.5, n), area // 2 * 6.0 + rng.normal(0, 1.5, n)
    living = np.rint(np.exp(rng.normal(7.5, 0.35, n)))
    lot = np.rint(np.exp(rng.normal(8.8, 0.6, n)))
    quality = rng.integers(1, 6, n).astype(float)
    built = rng.integers(1920, 2012, n).astype(float)
    day = np.sort(rng.integers(FIRST_DAY, FIRST_DAY + DAYS, n))
    log_price = 7.0 + 0.7 * np.log(living) + 0.06 * np.log(lot) + 0.09 * quality + 0.002 * (built - 1970)
    log_price += np.array([0.3, 0.0, -0.2, 0.15, -0.1])[area] + 0.03 * np.sin(east) + trend * (day - FIRST_DAY) / 365
    price = np.rint(np.exp(log_price + rng.normal(0, noise, n)))
    numeric = {
        "living_area_sqft": living,
        "lot_size_sqft": lot,
        "quality": quality,
        "year_built": built,
        "bedrooms": np.clip(np.rint(living / 600), 1, 6),
    }
    if located:
        numeric |= {"latitude": 45.0 + north / 111.2, "longitude": -120.0 + east / 78.6}
    text = {"neighborhood": texts([f"Area {one}" for one in area])}
    return sales_of(day, price, Frame(n, numeric, text))


def sales_of(day: Ints, price: object, frame: Frame) -> Sales:
    n = frame.n
    return Sales(
        texts([f"S{row:05d}" for row in range(n)]),
        texts([f"P{row:05d}" for row in range(n)]),
        texts([None] * n),
        day.astype(np.int64),
        day.astype(np.int64) + 14,
        np.asarray(price, dtype=np.float64),
        texts([None] * n),
        frame,
        f"made-{n}",
    )


def texts(values: list[str] | list[None]) -> Objects:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
