"""What ``train`` tells: what was read, what was left out and why, how the study went, what the gate says."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import typer

if TYPE_CHECKING:
    from processor.training.publish import Publication
    from processor.training.train import Trained
    from processor.valuation.frame import Sales
    from schemas.tabular import Report

_MOST_PROBLEMS: Final = 20


def tell_report(report: "Report") -> None:
    """Say on standard error what was odd about a file, what cost a sale first."""
    for note in report.notes:
        typer.echo(note, err=True)
    for problem in report.gravest(_MOST_PROBLEMS):
        typer.echo(
            f"line {problem.line}: {problem.column} {problem.value!r}: {problem.reason}, {problem.effect}", err=True
        )
    rest = sum(report.counts.values()) - _MOST_PROBLEMS
    if rest > 0:
        typer.echo(f"and {rest} more problems; `import sales --dry-run` lists them all", err=True)


def counted(report: "Report | None") -> dict[str, Any] | None:
    """Return what became of a file's rows, as numbers; None where no file was read."""
    if report is None:
        return None
    problems = [{"column": column, "effect": effect, "count": n} for (column, effect), n in report.counts.items()]
    return {
        "rows": report.rows,
        "accepted": report.accepted,
        "rejected": report.rejected,
        "problem_counts": problems,
        "notes": report.notes,
    }


def refuse(county_id: str, reason: str, report: "Report | None", *, as_json: bool) -> NoReturn:
    """Say why there is no model, and of a file how many rows it lost and to what; leave with status 1."""
    if report is not None and report.rejected:
        worst = report.gravest(1)[0]
        reason += (
            f" Of the file's {report.rows} rows {report.rejected} were rejected, first line {worst.line}: "
            f"{worst.column} {worst.value!r}: {worst.reason}."
        )
    typer.echo(reason, err=True)
    if as_json:
        document = {"county_id": county_id, "version": None, "published": False, "reasons": [reason], "study": None}
        sys.stdout.write(json.dumps(document | {"file": counted(report)}) + "\n")
    raise typer.Exit(1)


def tell(outcome: "Publication", report: "Report | None", *, as_json: bool) -> None:
    """Say what was trained and whether it serves; with ``as_json`` the document goes to standard output, last."""
    papers = outcome.bundle.manifest
    out = sys.stderr if as_json else sys.stdout
    sales = papers["sales"]
    out.write(f"trained on {sales['trained_on']} sales, {sales['first']} to {sales['last']}\n")
    for reason, count in sales["left_out"].items():
        out.write(f"left out of training: {count} {reason}\n")
    for reason, count in papers["studied"]["left_out"].items():
        out.write(f"left out of the study: {count} {reason}\n")
    for column, reason in papers["features"]["left_out"].items():
        out.write(f"no feature: {column} ({reason})\n")
    for reason in outcome.reasons:
        out.write(f"gate: {reason}\n")
    serves = "serves from now on" if outcome.published else "does not serve; the one in service stays"
    out.write(f"{outcome.bundle.version} {serves}\n")
    if as_json:
        sys.stdout.write(json.dumps(outcome.document() | {"file": counted(report)}) + "\n")
    else:
        for name, value in outcome.study.document().items():
            out.write(f"{name}: {value}\n")


def write_page(path: Path, county_id: str, trained: "Trained", pool: "Sales") -> None:
    """Write the forward study as a page with charts; where that fails, say so and go on: the model is there."""
    from processor.ratio_study.report import html  # noqa: PLC0415 - start-up time
    from processor.training.study import pairs  # noqa: PLC0415 - start-up time

    page = html(f"Forward ratio study of {county_id}", pairs(trained.studied, pool, trained.county.model.surroundings))
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        typer.echo(f"the study could not be written: {error}", err=True)
    else:
        typer.echo(f"study written to {path}", err=True)
