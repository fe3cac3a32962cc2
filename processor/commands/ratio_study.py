"""``terrafusion ratio-study``: the statistics of a file of sales and values."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from processor.ratio_study.files import Pairs

_SHOWN: Final = {
    "n": "sales",
    "median_ratio": "median ratio",
    "mean_ratio": "mean ratio",
    "weighted_mean_ratio": "weighted mean ratio",
    "cod": "COD, %",
    "prd": "PRD",
    "prb": "PRB",
    "vei": "VEI, %",
    "vei_significance": "VEI significance, %",
    "mki": "MKI",
    "mdape": "median absolute error, %",
    "within_5": "within 5 %, %",
    "within_10": "within 10 %, %",
    "within_20": "within 20 %, %",
    "r2": "R2",
    "coverage_90": "90 % interval covers, %",
}
_MOST_ROWS_REPORTED: Final = 20


def ratio_study(
    file: Annotated[Path, typer.Argument(help="CSV with sale_price, estimate, and strata in any further column")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    html: Annotated[Path | None, typer.Option(help="write the study as a page with charts to this file")] = None,
) -> None:
    """Compare values with sale prices: level, uniformity and vertical equity, whole, trimmed and by stratum.

    Columns value_low and value_high, where present, are taken for the bounds of the 90 % interval; sale_date (ISO
    8601), latitude and longitude serve the charts. Rows without a positive price and value are reported and left out.
    """
    from processor.ratio_study.document import study_pairs  # noqa: PLC0415 - start-up time
    from processor.ratio_study.errors import RatioStudyError  # noqa: PLC0415 - start-up time
    from processor.ratio_study.files import read_pairs  # noqa: PLC0415 - start-up time

    try:
        pairs = read_pairs(file)
        found = study_pairs(pairs)
        if html is not None:
            _write_page(html, f"Ratio study of {file.name}", pairs)
    except (RatioStudyError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    _report_rejected(found["rejected"])
    if as_json:
        typer.echo(json.dumps(found))
    else:
        _print_table(found)


def _write_page(path: Path, title: str, pairs: "Pairs") -> None:
    from processor.ratio_study.report import html  # noqa: PLC0415 - start-up time

    path.write_text(html(title, pairs), encoding="utf-8")
    typer.echo(f"written to {path}", err=True)


def _report_rejected(rejected: object) -> None:
    rows = rejected if isinstance(rejected, list) else []
    for row in rows[:_MOST_ROWS_REPORTED]:
        typer.echo(f"line {row['line']} left out: {row['reason']}", err=True)
    if len(rows) > _MOST_ROWS_REPORTED:
        typer.echo(f"and {len(rows) - _MOST_ROWS_REPORTED} more rows left out", err=True)


def _print_table(found: Mapping[str, object]) -> None:
    from rich.console import Console  # noqa: PLC0415 - start-up time
    from rich.table import Table  # noqa: PLC0415 - start-up time

    table = Table("statistic", "value", "95 % interval", "trimmed", title="Ratio study")
    trimmed = found["trimmed"]
    for name, label in _SHOWN.items():
        inside = found.get(f"{name.removesuffix('_ratio')}_ci")
        other = trimmed[name] if isinstance(trimmed, dict) else None
        table.add_row(label, _text(found[name]), _text(inside), _text(other))
    Console().print(table)


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case float():
            return f"{value:.4f}"
        case list():
            return " to ".join(_text(one) for one in value)
        case _:
            return str(value)
