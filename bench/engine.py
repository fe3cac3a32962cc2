"""What an explained valuation costs in processor time, by size of batch, and how long a call keeps others waiting.

Without arguments the sample county is generated and trained; a file of sales with its mapping, and a bundle trained
before, may stand in for it. Results are whole: explained, with adjusted comparables, written as JSON.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from bench.report import Cell, Report, quantile
from deploy.sample.files import write_files
from processor.training.files import sales_from_file
from processor.training.train import train
from processor.valuation.frame import Sales, Subjects
from processor.valuation.model import bundle as bundles
from processor.valuation.model.appraisal import MassAppraisal

_SIZES: Final = (1, 64, 256, 1000)
_ROWS: Final = {1: 400, 64: 6_400, 256: 10_240, 1000: 10_000}
_TICK_S: Final = 0.001


def main(arguments: list[str]) -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m bench engine", description=__doc__)
    parser.add_argument("--sales", type=Path, help="CSV or Parquet file of sales; the sample county where absent")
    parser.add_argument("--mapping", type=Path, help="mapping file of --sales")
    parser.add_argument("--bundle", type=Path, help="directory of a bundle trained before")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        sales, engine, seconds = _ready(options, Path(scratch))
        conditions: dict[str, Cell] = {"county": engine.county_id, "sales": len(sales), "trained_s": seconds}
        report = Report("engine", conditions)
        report.rows.extend(_measured(engine, sales, size) for size in _SIZES)
    report.show()


def _ready(options: argparse.Namespace, scratch: Path) -> tuple[Sales, MassAppraisal, float | None]:
    """Return the sales, an engine for their county, and how long training took if it was needed."""
    file, mapping = options.sales, options.mapping
    if file is None or mapping is None:
        write_files(scratch)
        file, mapping = scratch / "sales.csv", scratch / "sales.toml"
    county_id, sales, _ = sales_from_file(file, mapping)
    if options.bundle is not None:
        return sales, MassAppraisal(bundles.read(options.bundle), sales), None
    started = time.perf_counter()
    trained = train(county_id, sales)
    seconds = time.perf_counter() - started
    return sales, MassAppraisal(bundles.write(scratch, trained.county, trained.papers, "now"), sales), seconds


def _subjects(sales: Sales, size: int, turn: int) -> Subjects:
    """Return sold properties, to be valued on the day after the last sale; another part of the county every turn."""
    rows = (np.arange(size) + size * turn) * 7919 % len(sales)
    day = np.full(size, int(sales.day.max()) + 1)
    return Subjects(sales.property_id[rows].tolist(), sales.frame.take(rows), day, [None] * size)


def _measured(engine: MassAppraisal, sales: Sales, size: int) -> Mapping[str, Cell]:
    batches = [_subjects(sales, size, turn) for turn in range(_ROWS[size] // size)]
    engine.value(batches[0])
    spent, length = [], 0
    for batch in batches:
        started = time.thread_time()
        answers = engine.value(batch)
        spent.append(time.thread_time() - started)
        length = sum(len(answer) for answer in answers if isinstance(answer, bytes))
    spent.sort()
    return {
        "what": f"{size} rows a call",
        "cpu_us_a_row": quantile(spent, 0.5) / size * 1e6,
        "p95_us_a_row": quantile(spent, 0.95) / size * 1e6,
        "results/s": size / quantile(spent, 0.5),
        "bytes_a_row": length / size,
        "others_wait_ms": _longest_wait(engine, batches) * 1e3,
    }


def _longest_wait(engine: MassAppraisal, batches: list[Subjects]) -> float:
    """Return how long this thread had to wait, at worst, while another one values: what an event loop would feel."""
    worker = threading.Thread(target=lambda: [engine.value(batch) for batch in batches])
    worker.start()
    longest = 0.0
    while worker.is_alive():
        before = time.perf_counter()
        time.sleep(_TICK_S)
        longest = max(longest, time.perf_counter() - before - _TICK_S)
    worker.join()
    return longest
