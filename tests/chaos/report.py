"""Shows the figures of a run to people, as tables, and to programs, as JSON."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from tests.chaos.anomalies import Anomaly
from tests.chaos.figures import Figures, Spread

_SHOWN = 20


def show(console: Console, figures: Figures, anomalies: Sequence[Anomaly]) -> None:
    """Print the faults, the requests, and whatever was broken."""
    console.print(_faults(figures))
    console.print(_requests(figures))
    if anomalies:
        console.print(_anomalies(anomalies))


def write(path: Path, figures: Figures, anomalies: Sequence[Anomaly], scenario: object) -> None:
    """Write everything that ``show`` prints, and the scenario, as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {"scenario": scenario, "figures": figures, "anomalies": anomalies}
    path.write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2))


def write_page(path: Path, figures: Figures) -> None:
    """Write the tables as Markdown, for a page of the documentation."""
    rows = [
        "| fault | count | lasted, s | recovered after its end, s | of these alone | and theirs, s |",
        "|---|---|---|---|---|---|",
    ]
    for kind, fault in figures.faults.items():
        theirs = _both(fault.recovery_alone) if fault.alone else ""
        rows.append(
            f"| {kind} | {fault.count:,} | {_both(fault.lasted)} | {_both(fault.recovery)} | {fault.alone} | {theirs} |"
        )
    rows += ["", "| | |", "|---|---|"]
    rows += [f"| {name.replace('_', ' ')} | {value:,} |" for name, value in asdict(figures.requests).items()]
    rows += [f"| **{name}** | **{value:,}** |" for name, value in asdict(figures.broken).items()]
    rows.append(
        f"| processes started again, of these ended by themselves | {figures.restarts:,}, {figures.own_exits:,} |"
    )
    rows.append(f"| minutes | {figures.seconds / 60:.0f} in {figures.runs} runs |")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def _both(spread: Spread) -> str:
    return f"{spread.p50:.1f}, {spread.p99:.1f}"


def _faults(figures: Figures) -> Table:
    table = Table("fault", title="Faults, in seconds: p50 / p99 / longest", title_justify="left")
    for title in ("count", "lasted", "recovered after its end", "where alone", "slowest request meanwhile"):
        table.add_column(title, justify="right")
    for kind, fault in figures.faults.items():
        count = f"{fault.count:,}" + (f" ({fault.unrecovered} unrecovered)" if fault.unrecovered else "")
        lasted, recovery, alone, slowest = (
            " / ".join(_seconds(each)) for each in (fault.lasted, fault.recovery, fault.recovery_alone, fault.slowest)
        )
        table.add_row(
            kind, count, lasted, recovery, f"{fault.alone}: {alone}", slowest, style="bold" if kind == "all" else None
        )
    return table


def _requests(figures: Figures) -> Table:
    table = Table("requests", title="Requests")
    table.add_column("figure", justify="right")
    for name, value in asdict(figures.requests).items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    table.add_row("seconds", f"{figures.seconds:,.0f} in {figures.runs} run(s)")
    table.add_row("latency p50 / p99 / longest, s", " / ".join(_seconds(figures.latency)))
    table.add_row("processes started again", f"{figures.restarts:,}")
    table.add_row("of these ended by themselves", f"{figures.own_exits:,}")
    for name, value in asdict(figures.broken).items():
        table.add_row(name, f"{value:,}", style="bold red" if value else "bold green")
    return table


def _seconds(spread: Spread) -> tuple[str, str, str]:
    return f"{spread.p50:.2f}", f"{spread.p99:.2f}", f"{spread.longest:.2f}"


def _anomalies(anomalies: Sequence[Anomaly]) -> Table:
    table = Table("what", "how often", "for example", title="Broken guarantees", title_justify="left", style="red")
    counts = Counter(each.kind for each in anomalies)
    for kind, count in counts.most_common():
        examples = [f"{each.subject} {each.detail}" for each in anomalies if each.kind is kind]
        table.add_row(kind, str(count), "\n".join(examples[: max(1, _SHOWN // len(counts))]))
    return table
