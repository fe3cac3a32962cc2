"""The command `terrafusion export`: jobs with their results as one file, through the gateway."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer

from producer.commands.gateway import AsJson, Url, client, gateway_url, progress, talk, write_json

_KINDS: Final = {".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv", ".parquet": "parquet"}

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="The file to write; - or nothing is standard output.")
]
Kind = Annotated[
    str | None, typer.Option("--format", help="ndjson, csv or parquet; else what the file's name ends in, or ndjson.")
]
OfCounty = Annotated[str | None, typer.Option("--county", help="Only this county's jobs.")]
OfProperty = Annotated[str | None, typer.Option("--property", help="Only this property's jobs.")]
OfBatch = Annotated[str | None, typer.Option("--batch", help="Only this batch's jobs.")]
Status = Annotated[str | None, typer.Option("--status", help="Only jobs that stand so: COMPLETED, FAILED, ...")]
Reason = Annotated[str | None, typer.Option("--failure-reason", help="Only jobs that failed for this reason.")]
Since = Annotated[str | None, typer.Option("--created-after", help="Only jobs created after this RFC 3339 time.")]


def export(  # noqa: PLR0913 - a command's options
    *,
    output: Output = None,
    kind: Kind = None,
    county: OfCounty = None,
    property_id: OfProperty = None,
    batch: OfBatch = None,
    status: Status = None,
    failure_reason: Reason = None,
    created_after: Since = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Write jobs with their results, newest first, as one file; one that breaks off is not left behind."""
    place = None if output is None or str(output) == "-" else output
    chosen = kind or _KINDS.get("" if place is None else place.suffix.lower(), "ndjson")
    if chosen not in _KINDS.values():
        raise typer.BadParameter(f"--format {chosen}: one of ndjson, csv, parquet")
    if place is None and as_json:
        raise typer.BadParameter("--json says what was written to --output; name a file")
    if place is None and chosen == "parquet" and sys.stdout.isatty():
        raise typer.BadParameter("Parquet is no text for a terminal; name an --output")
    stated = {
        "county_id": county,
        "property_id": property_id,
        "batch_id": batch,
        "status": status,
        "failure_reason": failure_reason,
        "created_after": created_after,
    }
    filters = {name: value for name, value in stated.items() if value is not None}
    talk(_export(gateway_url(url), chosen, filters, place, as_json=as_json))


async def _export(url: str, kind: str, filters: dict[str, str], place: Path | None, *, as_json: bool) -> int:
    async with client(url) as gateway:
        pieces = gateway.export(kind, **filters)
        if place is None:
            await _write(pieces, sys.stdout.buffer, shown=False)
            return 0
        part = place.with_name(f"{place.name}.part")
        try:
            with part.open("wb") as file:
                size = await _write(pieces, file, shown=not as_json)
            part.replace(place)
        except OSError as wrong:
            sys.stderr.write(f"{place} cannot be written: {wrong}\n")
            return 1
        finally:
            part.unlink(missing_ok=True)
    if as_json:
        write_json({"file": str(place), "format": kind, "bytes": size})
    else:
        typer.echo(f"{place}: {size:,} bytes of {kind}")
    return 0


async def _write(pieces: AsyncIterator[bytes], file: BinaryIO, *, shown: bool) -> int:
    size = 0
    with progress(shown=shown) as bar:
        task = bar.add_task("kilobytes", total=None)
        async for piece in pieces:
            file.write(piece)
            size += len(piece)
            bar.update(task, completed=size // 1024)
    file.flush()
    return size
