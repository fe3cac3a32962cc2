"""The commands `terrafusion import properties|sales`."""

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from producer.importing.importing import Target

UNUSABLE = 2
"""Exit code for a mapping or a file that cannot be used at all."""
FAILED = 1
"""Exit code for records that could not be published."""

import_app = typer.Typer(
    help="Import a county's files: CSV or Parquet, read with a mapping file.", no_args_is_help=True
)

File = Annotated[Path, typer.Argument(help="A CSV (gzipped too) or Parquet file.")]
MappingFile = Annotated[Path, typer.Option("--mapping", help="Mapping file (TOML), see docs/mapping.md.")]
County = Annotated[str | None, typer.Option(help="The county, where the mapping names none.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and report, publish nothing.")]
ReportPath = Annotated[
    Path | None, typer.Option("--report", help="Where problems go: .csv or .jsonl. Default: under DATA_DIR/reports.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]


@import_app.command("properties")
def properties(  # noqa: PLR0913 - a command's options
    file: File,
    *,
    mapping: MappingFile,
    county: County = None,
    dry_run: DryRun = False,
    report: ReportPath = None,
    as_json: AsJson = False,
) -> None:
    """Publish one property record for each property of a file; of several rows about one, the latest."""
    _import("properties", file, mapping, county, report, dry_run=dry_run, as_json=as_json)


@import_app.command("sales")
def sales(  # noqa: PLR0913 - a command's options
    file: File,
    *,
    mapping: MappingFile,
    county: County = None,
    dry_run: DryRun = False,
    report: ReportPath = None,
    as_json: AsJson = False,
) -> None:
    """Publish one sale record for each row of a file, with the characteristics that the row carries."""
    _import("sales", file, mapping, county, report, dry_run=dry_run, as_json=as_json)


def _import(  # noqa: PLR0913 - a command's options
    kind: str, file: Path, mapping: Path, county: str | None, report: Path | None, *, dry_run: bool, as_json: bool
) -> None:
    from producer.importing.errors import ImportFailed  # noqa: PLC0415 - start-up time
    from producer.importing.importing import Order, import_file  # noqa: PLC0415 - start-up time
    from schemas.errors import SchemaError  # noqa: PLC0415 - start-up time
    from schemas.settings import CommonSettings  # noqa: PLC0415 - start-up time
    from schemas.tabular import Kind, load_mapping  # noqa: PLC0415 - start-up time

    settings = CommonSettings()
    place = report or settings.data_dir / "reports" / f"import-{kind}-{file.stem}.csv"
    try:
        order = Order(file, load_mapping(mapping, county), Kind(kind), place)
        with _progress(file.name, shown=not as_json) as progress:
            summary = import_file(order, None if dry_run else _target(settings), progress)
    except SchemaError as error:
        _end(str(error), UNUSABLE, as_json=as_json)
    except ImportFailed as error:
        _end(str(error), FAILED, as_json=as_json)
    else:
        summary |= {"dry_run": dry_run}
        typer.echo(json.dumps(summary, ensure_ascii=False) if as_json else _told(summary))


def _target(settings: Any) -> "Target":
    from producer.importing.importing import Target  # noqa: PLC0415 - start-up time
    from schemas.settings import KafkaSettings  # noqa: PLC0415 - start-up time
    from schemas.topics import topics  # noqa: PLC0415 - start-up time

    return Target(topics(settings.topic_prefix), KafkaSettings().client_options(settings.data_dir))


@contextmanager
def _progress(name: str, *, shown: bool) -> "Iterator[Callable[[int], None]]":
    from rich.console import Console  # noqa: PLC0415 - start-up time
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - start-up time

    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,.0f} records"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as bar:
        task = bar.add_task(name, total=None)
        yield lambda count: bar.update(task, completed=count)


def _end(message: str, code: int, *, as_json: bool) -> None:
    typer.echo(message, err=True)
    if as_json:
        typer.echo(json.dumps({"error": message}))
    raise typer.Exit(code)


def _told(summary: dict[str, Any]) -> str:
    verb = "would be published" if summary["dry_run"] else "published"
    rows = (
        f"{summary['county_id']}: {summary['rows']:,} rows, {summary['accepted']:,} {summary['kind']} {verb}, "
        f"{summary['rejected']:,} rows rejected, {summary['superseded']:,} superseded by a later row"
    )
    lines = [rows, *(f"  note: {note}" for note in summary["notes"])]
    lines += [
        f"  line {each['line']}: {each['column']} {each['value']!r}: {each['reason']} ({each['effect']})"
        for each in summary["problems"]
    ]
    if summary["report"]:
        lines.append(f"  all problems: {summary['report']}")
    return "\n".join(lines)
