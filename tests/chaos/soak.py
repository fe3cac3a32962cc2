"""``python -m tests.chaos.soak``: an hour of moderate load with faults of network and broker; does anything grow?

Worker and gateway live through the whole run: what is broken is what they depend on. The history is judged like that
of any fault run; beside it stands how memory, open files and threads of each process changed in an hour.
"""

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated, Final

import numpy as np
import orjson
import psutil
import typer
from rich.console import Console
from rich.table import Table

from tests.chaos.checker import check
from tests.chaos.figures import figures
from tests.chaos.report import show
from tests.chaos.run import run
from tests.chaos.scenarios import Scenario

_REPORTS: Final = Path(".local/reports")
_PARTS: Final = {"processor": "worker", "producer": "gateway"}
_EVERY_SECONDS: Final = 5.0
_WARM_UP_SHARE: Final = 0.25
"""This much of a process's life at its beginning says nothing of how it goes on."""
_FAULTS_AN_HOUR: Final = {
    "broker-term": 6,
    "broker-kill": 6,
    "network-latency": 12,
    "network-reset": 24,
    "network-black-hole": 6,
    "network-slices": 6,
}
_A_FAULT_SECONDS: Final = 5.0
"""About how long a fault and its recovery take."""

Sample = tuple[float, float, int, int]
"""Seconds, resident megabytes, open files, threads."""


@dataclass(slots=True)
class Sampler:
    """Looks at every process of the system under test from time to time."""

    samples: defaultdict[tuple[str, int], list[Sample]] = field(default_factory=lambda: defaultdict(list))
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look until told to end."""
        while not self._over.wait(_EVERY_SECONDS):
            for process in psutil.Process().children(recursive=True):
                try:
                    self._look(process)
                except psutil.Error:  # it has just ended
                    continue

    def end(self) -> None:
        """Look no more."""
        self._over.set()

    def _look(self, process: psutil.Process) -> None:
        part = next((_PARTS[word] for word in process.cmdline() if word in _PARTS), None)
        if part is not None:
            seen = time.monotonic(), process.memory_info().rss / 2**20, process.num_fds(), process.num_threads()
            self.samples[part, process.pid].append(seen)


def slopes(samples: Sequence[Sample], seconds: float) -> Mapping[str, float]:
    """Return how much a process grew an hour, by least squares, from the end of its warm-up to the end of the load.

    The load lasts ``seconds``; what follows, when every job is asked for at once, is no part of it.
    """
    loaded = [sample for sample in samples if sample[0] - samples[0][0] <= seconds]
    settled = np.array(loaded[int(len(loaded) * _WARM_UP_SHARE) :], dtype=np.float64)
    hours = (settled[:, 0] - settled[0, 0]) / 3_600
    memory, files, threads = (float(np.polyfit(hours, settled[:, at], 1)[0]) for at in (1, 2, 3))
    return {
        "minutes": float((settled[-1][0] - settled[0][0]) / 60),
        "MB at first": float(settled[0][1]),
        "half-way": float(settled[len(settled) // 2][1]),
        "at last": float(settled[-1][1]),
        "MB/h": memory,
        "files": float(settled[-1][2]),
        "files/h": files,
        "threads": float(settled[-1][3]),
        "threads/h": threads,
    }


def main(
    minutes: Annotated[float, typer.Option(help="how long to ask")] = 60.0,
    rate: Annotated[float, typer.Option(help="requests a second")] = 500.0,
    seed: Annotated[int, typer.Option(help="seed of requests and faults")] = 1,
) -> None:
    """Run for a while under load and faults; show what grew, and whether anything was lost, doubled or wrong."""
    faults = {kind: max(1, round(count * minutes / 60)) for kind, count in _FAULTS_AN_HOUR.items()}
    rest = max(0.0, 60 * minutes / sum(faults.values()) - _A_FAULT_SECONDS)
    scenario = Scenario(int(minutes * 60 * rate), rate, faults, seed, workers=1, rest_seconds=rest)
    sampler = Sampler()
    watching = threading.Thread(target=sampler.run, daemon=True)
    watching.start()
    operations = run(scenario, Path(mkdtemp(prefix="terrafusion-soak-")))
    sampler.end()
    watching.join()
    anomalies = check(operations)
    show(Console(), figures([(operations, anomalies)]), anomalies)
    grown: list[Mapping[str, str | float]] = [
        {"process": f"{part} {pid}", **slopes(seen, 60 * minutes)}
        for (part, pid), seen in sampler.samples.items()
        if len(seen) > 8
    ]
    _show(grown)
    sys.exit(1 if anomalies else 0)


def _show(grown: Sequence[Mapping[str, str | float]]) -> None:
    table = Table(title="Growth")
    for name in grown[0] if grown else ("process",):
        table.add_column(name, justify="right")
    for row in grown:
        table.add_row(*(cell if isinstance(cell, str) else f"{cell:,.1f}" for cell in row.values()))
    Console().print(table)
    place = _REPORTS / f"soak-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(orjson.dumps(grown, option=orjson.OPT_INDENT_2))
    Console().print(f"Written: {place}", soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
