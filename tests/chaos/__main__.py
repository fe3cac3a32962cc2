"""``python -m tests.chaos``: a fault run from the command line, or a kept history judged again."""

import sys
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
from tests.chaos.run import Scenario, run
from tests.chaos.scenarios import MIXES, faults_of

_REPORTS = Path(".local/reports")
app = typer.Typer(add_completion=False)


@app.command()
def main(  # noqa: PLR0913 - the options of a command
    *,
    requests: Annotated[int, typer.Option(help="how many requests")] = 100_000,
    rate: Annotated[float, typer.Option(help="requests a second")] = 2_000,
    faults: Annotated[int, typer.Option(help="how many faults at least")] = 44,
    mix: Annotated[
        str, typer.Option(help=f"which faults: {', '.join(MIXES)}, or one kind of {', '.join(KINDS)}")
    ] = "all",
    workers: Annotated[int, typer.Option(help="how many workers")] = 3,
    brokers: Annotated[int, typer.Option(help="one broker or three, replicated")] = 1,
    seed: Annotated[int, typer.Option(help="seed of requests and faults")] = 1,
    judge: Annotated[Path | None, typer.Option(help="judge this kept history instead of running")] = None,
) -> None:
    """Break a running system on purpose and check that nothing was lost, doubled or wrong."""
    scenario = Scenario(requests, rate, faults_of(mix, faults), seed, workers, brokers)
    if judge is not None:
        operations = list(history.read(judge))
        sys.exit(_report(operations, judge.parent / judge.name.removesuffix(".jsonl.gz"), scenario))
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    directory = Path(mkdtemp(prefix="terrafusion-chaos-"))
    Console().print(
        f"{requests:,} requests at {rate:,.0f}/s, {sum(scenario.faults.values())} faults; logs: {directory}"
    )
    operations = run(scenario, directory)
    history.write(_REPORTS / f"chaos-{stamp}.jsonl.gz", operations)
    sys.exit(_report(operations, _REPORTS / f"chaos-{stamp}", scenario))


def _report(operations: list[history.Operation], place: Path, scenario: Scenario) -> int:
    anomalies = check(operations)
    measured = figures(operations, anomalies)
    report.show(Console(), measured, anomalies)
    report.write(place.with_name(f"{place.name}.json"), measured, anomalies, scenario)
    draw(place.with_name(f"{place.name}.png"), operations)
    Console().print(f"Written: {place}.json, .png and .jsonl.gz", soft_wrap=True)
    return 1 if anomalies else 0


if __name__ == "__main__":
    app()
