"""``python -m tests.chaos``: a fault run from the command line, or a kept history judged again."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated

import typer
from rich.console import Console

from tests.chaos import history, report
from tests.chaos.checker import check
from tests.chaos.figures import figures
from tests.chaos.picture import draw
from tests.chaos.plan import KINDS
from tests.chaos.run import run
from tests.chaos.scenarios import MIXES, Scenario, faults_of

_REPORTS = Path(".local/reports")
_WIDTH = 150
_BEGIN_SECONDS = 300.0
app = typer.Typer(add_completion=False)


@app.command()
def main(  # noqa: PLR0913 - the options of a command
    *,
    requests: Annotated[int, typer.Option(help="how many requests at least")] = 10_000,
    rate: Annotated[float, typer.Option(help="requests a second")] = 30,
    burst: Annotated[int, typer.Option(help="requests at once, every minute")] = 300,
    faults: Annotated[int, typer.Option(help="how many faults at least, evenly of each kind")] = 100,
    mix: Annotated[
        str, typer.Option(help=f"which faults: {', '.join(MIXES)}, or one kind of {', '.join(KINDS)}")
    ] = "all",
    workers: Annotated[int, typer.Option(help="how many workers")] = 3,
    brokers: Annotated[int, typer.Option(help="one broker, or three that replicate")] = 3,
    seed: Annotated[int, typer.Option(help="seed of requests and faults")] = 1,
    crowded: Annotated[bool, typer.Option(help="break workers and brokers at the same time")] = False,
    minutes: Annotated[float, typer.Option(help="no faults after this long, however many there were")] = 600,
    judge: Annotated[
        list[Path] | None, typer.Option(help="judge this kept history instead of running; several make one report")
    ] = None,
) -> None:
    """Break a running system on purpose and check that nothing was lost, doubled or wrong."""
    if judge:
        sys.exit(_report([list(history.read(each)) for each in judge], _REPORTS / "chaos-judged", None))
    counts = faults_of(mix, faults)
    scenario = Scenario(
        requests, rate, counts, seed, workers, brokers, burst=burst, crowded=crowded, longest_seconds=60 * minutes
    )
    place = _REPORTS / f"chaos-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    directory = Path(mkdtemp(prefix="terrafusion-chaos-"))
    Console().print(f"{rate:,.0f} requests/s, {sum(scenario.faults.values())} faults; logs: {directory}")
    operations = run(scenario, directory, _tell)
    history.write(place.with_name(f"{place.name}.jsonl.gz"), operations)
    sys.exit(_report([operations], place, scenario))


def _tell(fault: history.Fault) -> None:
    recovery = "not recovered from" if fault.recovered_ms is None else f"{fault.recovered_ms - fault.end_ms:6,} ms"
    seconds = (fault.end_ms - fault.start_ms) / 1000
    print(f"{fault.kind:18} {fault.target:10} lasted {seconds:5.2f} s, recovered after {recovery}", flush=True)  # noqa: T201


def _report(histories: Sequence[Sequence[history.Operation]], place: Path, scenario: Scenario | None) -> int:
    runs = [(each, check(each)) for each in histories]
    anomalies = [anomaly for _, found in runs for anomaly in found]
    measured = figures(runs)
    report.show(Console(width=max(_WIDTH, Console().width)), measured, anomalies)
    report.write(place.with_name(f"{place.name}.json"), measured, anomalies, scenario)
    report.write_page(place.with_name(f"{place.name}.md"), measured)
    draw(place.with_name(f"{place.name}.png"), histories)
    draw(place.with_name(f"{place.name}-begin.png"), histories, window=(0.0, _BEGIN_SECONDS))
    Console().print(f"Written: {place}.json, .md, .png, and its begin with the faults' names", soft_wrap=True)
    return 1 if anomalies or measured.faults["all"].unrecovered else 0


if __name__ == "__main__":
    app()
