"""``terrafusion models``: which models there are, what they are made of, which one serves."""

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.settings import CommonSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processor.valuation.model.store import BundleStore

models = typer.Typer(help="Models: list, show, promote.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]
County = Annotated[str, typer.Option(help="county, in any spelling")]


@models.command("list")
def list_models(
    *, county: Annotated[str | None, typer.Option(help="only this county")] = None, as_json: AsJson = False
) -> None:
    """List the trained models, the last trained first, and mark those that serve."""
    with _store() as store:
        counties = store.counties() if county is None else [_normal(county)]
        found = [_entry(store, one, version) for one in counties for version in store.versions(one)]
    if as_json:
        typer.echo(json.dumps({"items": found}))
        return
    for entry in found:
        mark = "*" if entry["serving"] else " "
        typer.echo(
            f"{mark} {entry['county_id']} {entry['version']} trained {entry['trained_at']}: {_summary(entry['study'])}"
        )


@models.command("show")
def show(
    version: Annotated[str | None, typer.Argument(help="the serving one where absent")] = None,
    *,
    county: County,
    as_json: AsJson = False,
) -> None:
    """Show what a model was trained on, how it fared, and which columns it left out."""
    with _store() as store:
        county_id = _normal(county)
        bundle = store.read(county_id, version)
        papers = {name: value for name, value in bundle.manifest.items() if name not in {"content", "arrays"}}
        papers["serving"] = store.serving(county_id) == bundle.version
    if as_json:
        typer.echo(json.dumps(papers))
        return
    for name, value in papers.items():
        typer.echo(f"{name}: {json.dumps(value)}")


@models.command("promote")
def promote(
    version: Annotated[str, typer.Argument(help="version to serve")],
    *,
    county: County,
    force: Annotated[bool, typer.Option("--force", help="even if its study did not pass the gate")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a model serve its county: verify it, note it in the store, announce it to the workers."""
    from processor.commands.train import announce_or_say_why_not  # noqa: PLC0415 - start-up time

    with _store() as store:
        bundle = store.promote(_normal(county), version, force=force)
        announced = announce_or_say_why_not(bundle)
    facts = {"county_id": bundle.model.county_id, "version": bundle.version, "serving": True, "announced": announced}
    typer.echo(json.dumps(facts) if as_json else f"{bundle.version} serves {bundle.model.county_id}")


@contextmanager
def _store() -> "Iterator[BundleStore]":
    """Yield the store; its errors become their message and exit status 1."""
    from processor.model_store import open_model_store  # noqa: PLC0415 - start-up time
    from processor.valuation.model.errors import BundleError  # noqa: PLC0415 - start-up time

    common = CommonSettings()
    try:
        yield open_model_store(common)
    except (BundleError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def _normal(county: str) -> str:
    from schemas.counties import normalise_county  # noqa: PLC0415 - start-up time

    return normalise_county(county)


def _entry(store: "BundleStore", county_id: str, version: str) -> dict[str, Any]:
    from processor.valuation.model.errors import BundleError  # noqa: PLC0415 - start-up time

    serving = store.serving(county_id) == version
    try:
        papers = store.papers(county_id, version)
    except BundleError as error:
        return {
            "county_id": county_id,
            "version": version,
            "serving": serving,
            "trained_at": None,
            "study": {},
            "error": str(error),
        }
    return {
        "county_id": county_id,
        "version": version,
        "serving": serving,
        "trained_at": papers["trained_at"],
        "as_of": papers["as_of"],
        "sha256": papers["sha256"],
        "study": papers["study"],
    }


def _summary(study: dict[str, Any]) -> str:
    if not study:
        return "unreadable"
    return f"n {study['n']}, level {study['median_ratio']:.3f}, COD {study['cod']:.2f}, PRD {study['prd']:.3f}"
