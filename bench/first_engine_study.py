"""``python -m bench.first_engine_study [FILE]``: forward ratio study of the sales-comparison engine on King County.

Once as it stands on the day of the cut, and once as it serves: made again every week from the sales known by then
(14 days after closing). The study holds every later sale; nothing is dropped or trimmed.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pandas as pd

from bench.report import Cell, Report
from processor.ratio_study import Study, study
from processor.valuation.comparables import ComparablesEngine
from processor.valuation.frame import Frame, InsufficientData, Ints, Objects, Sales, Subjects
from schemas.clock import day_number

FILE = Path("../shared/data/kc_house_data.csv")
CUT = day_number("2015-03-01")
KNOWN_AFTER_DAYS = 14
NUMBERS = {
    "lat": "latitude",
    "long": "longitude",
    "sqft_living": "living_area_sqft",
    "sqft_lot": "lot_size_sqft",
    "sqft_basement": "basement_sqft",
    "yr_built": "year_built",
    "yr_renovated": "year_renovated",
    "bedrooms": "bedrooms",
    "bathrooms": "bathrooms",
    "floors": "stories",
    "grade": "quality",
    "condition": "condition",
    "view": "view",
    "waterfront": "waterfront",
    "sqft_above": "sqft_above",
    "sqft_living15": "sqft_living15",
    "sqft_lot15": "sqft_lot15",
}


def main(arguments: list[str]) -> None:
    sales = read(Path(arguments[0]) if arguments else FILE)
    report = Report("first-engine-study", {"sales": len(sales), "cut": "2015-03-01"})
    for name, weeks in (("frozen at the cut", False), ("made anew weekly", True)):
        started = time.process_time()
        found, n_engines = forward(sales, weekly=weeks)
        report.rows.append({"what": name, **row(found), "engines": n_engines, "cpu_s": time.process_time() - started})
    report.show()
    speed = Report("first-engine-speed", {"sales": len(sales), "what counts": "processor time"})
    speed.rows += speeds(sales)
    speed.show()


def read(path: Path) -> Sales:
    table = pd.read_csv(path, dtype={"id": str, "zipcode": str, "date": str})
    table["day"] = [day_number(f"{text[:4]}-{text[4:6]}-{text[6:8]}") for text in table["date"]]
    day = table["day"].to_numpy(np.int64)
    return Sales(
        sale_id=objects([f"{one}-{on}" for one, on in zip(table["id"], table["date"].str[:8], strict=True)]),
        property_id=objects(table["id"].tolist()),
        document_number=objects([None] * len(table)),
        day=day,
        known_day=day + KNOWN_AFTER_DAYS,
        price=table["price"].to_numpy(np.float64),
        ineligible=objects([None] * len(table)),
        frame=Frame(
            len(table),
            {own: table[name].to_numpy(np.float64) for name, own in NUMBERS.items()},
            {"zipcode": objects(table["zipcode"].tolist())},
        ),
        version="king-county",
    )


def objects(values: list[str] | list[None]) -> Objects:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def some(sales: Sales, rows: Ints) -> Sales:
    columns = (sales.sale_id, sales.property_id, sales.document_number)
    ids, owners, documents = (column[rows] for column in columns)
    days, known, price = sales.day[rows], sales.known_day[rows], sales.price[rows]
    version = f"{sales.version}-{len(rows)}"
    return Sales(ids, owners, documents, days, known, price, sales.ineligible[rows], sales.frame.take(rows), version)


def forward(sales: Sales, *, weekly: bool) -> tuple[Study, int]:
    """Value every sale after the cut as of its day, with an engine that knows only what was known."""
    later = np.flatnonzero(sales.day >= CUT).astype(np.int64)
    price, value, low, high = [], [], [], []
    engines = 0
    for known, rows in weeks(sales, later) if weekly else [(sales.day < CUT, later)]:
        engine = ComparablesEngine("KING", some(sales, np.flatnonzero(known).astype(np.int64)))
        engines += 1
        for row, answer in zip(rows.tolist(), engine.value(subjects(sales, rows)), strict=True):
            if isinstance(answer, InsufficientData):
                raise SystemExit(f"{sales.sale_id[row]}: {answer.message}")
            result = orjson.loads(answer)
            price.append(float(sales.price[row]))
            value.append(result["unrounded_value"])
            low.append(result["value_low"])
            high.append(result["value_high"])
    return study(*(np.array(column) for column in (price, value, low, high))), engines


def weeks(sales: Sales, later: Ints) -> Iterator[tuple["np.ndarray[tuple[int], np.dtype[np.bool_]]", Ints]]:
    for start in range(CUT, int(sales.day.max()) + 1, 7):
        rows = later[(sales.day[later] >= start) & (sales.day[later] < start + 7)]
        if len(rows):
            yield (sales.day < CUT) | (sales.known_day <= start), rows


def subjects(sales: Sales, rows: Ints) -> Subjects:
    return Subjects(sales.property_id[rows].tolist(), sales.frame.take(rows), sales.day[rows], [None] * len(rows))


def row(found: Study) -> dict[str, Cell]:
    shown = ("median_ratio", "cod", "prd", "prb", "vei", "mdape", "within_10", "r2", "coverage_90")
    digits = {"median_ratio": 3, "prd": 3, "prb": 3, "r2": 3}
    document = found.document()
    return {"n": found.n, **{name: f"{document[name]:.{digits.get(name, 2)}f}" for name in shown}}


def speeds(sales: Sales) -> list[dict[str, Cell]]:
    """Time the engine in processor time, so that a busy machine does not count."""
    started = time.process_time()
    engine = ComparablesEngine("KING", sales)
    found: list[dict[str, Cell]] = [{"what": "making the engine", "ms": (time.process_time() - started) * 1e3}]
    for size in (1, 64, 256):
        times, made = [], 0
        for at in range(0, min(40 * size, len(sales) - size) if size > 1 else 400, size):
            asked = subjects(sales, np.arange(at, at + size))
            asked = Subjects(asked.property_id, asked.frame, np.full(size, sales.day.max() + 1), asked.method_hint)
            started = time.process_time()
            made += sum(len(answer) for answer in engine.value(asked) if isinstance(answer, bytes))
            times.append(time.process_time() - started)
        cost = float(np.median(times)) / size * 1e6
        found.append({"what": f"batch of {size}", "us a row": cost, "bytes a row": made / size / len(times)})
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
