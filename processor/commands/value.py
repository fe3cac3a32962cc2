"""``terrafusion value``: one explained valuation from a bundle, without Kafka; also an old one again."""

import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.settings import CommonSettings

if TYPE_CHECKING:
    from processor.valuation.frame import Subjects
    from processor.valuation.model.appraisal import MassAppraisal
    from processor.valuation.model.store import BundleStore

_NO_CHARACTERISTICS = frozenset(
    {"property_id", "county_id", "features", "characteristics", "valuation_date", "valuation_method_hint", "job_id",
     "sale_id", "sale_date", "sale_price", "document_number"}
)  # fmt: skip


def value(  # noqa: PLR0913 - the options of a command
    *,
    county: Annotated[str, typer.Option(help="county, in any spelling")],
    property_file: Annotated[
        str, typer.Option("--property", help="JSON file of a property record, - for standard input")
    ],
    model_version: Annotated[str | None, typer.Option(help="the serving one where absent")] = None,
    valuation_date: Annotated[str | None, typer.Option(help="YYYY-MM-DD; today where absent")] = None,
    method: Annotated[str | None, typer.Option(help="the method to report first")] = None,
    market: Annotated[
        str | None, typer.Option(help="correction_version of an old result, to value at the level it was made at")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the result object alone")] = False,
) -> None:
    """Value one property from a trained model and print the explained result.

    With the model version, date and correction version of an old result, that result comes out again, byte for byte.
    """
    from processor.valuation.frame import InsufficientData  # noqa: PLC0415 - start-up time
    from processor.valuation.model.errors import BundleError  # noqa: PLC0415 - start-up time
    from schemas.counties import normalise_county  # noqa: PLC0415 - start-up time

    try:
        engine = _engine(normalise_county(county), model_version, market)
        record = _record(property_file)
        found = engine.value(_subjects(record, valuation_date, method))[0]
    except (BundleError, ValueError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if isinstance(found, InsufficientData):
        typer.echo(f"insufficient_data: {found.message}", err=True)
        raise typer.Exit(1)
    _print(found, as_json=as_json)


def _engine(county_id: str, version: str | None, market: str | None) -> "MassAppraisal":
    from processor.model_store import open_model_store  # noqa: PLC0415 - start-up time
    from processor.valuation.model.appraisal import MassAppraisal  # noqa: PLC0415 - start-up time

    common = CommonSettings()
    store = open_model_store(common)
    bundle = store.read(county_id, version or store.serving(county_id) or _unpublished(store, county_id))
    pool = None if market is None else market.partition(":")[0]
    level = store.level(county_id, bundle.version, pool)
    if market is not None and level is None:
        raise ValueError(f"the sales pool {pool} of correction {market} is not kept with {bundle.version}")
    return MassAppraisal(bundle, level=level)


def _unpublished(store: "BundleStore", county_id: str) -> str | None:
    """Return the last version trained where none serves, and say so."""
    trained = store.versions(county_id)
    if trained:
        typer.echo(f"no model serves {county_id}; valued with {trained[0]}, which did not pass the gate", err=True)
    return trained[0] if trained else None


def _record(file: str) -> Mapping[str, Any]:
    import orjson  # noqa: PLC0415 - start-up time

    content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    record = orjson.loads(content)
    if not isinstance(record, dict):
        raise ValueError("a property record is one JSON object")  # noqa: TRY004 - told to people, not to code
    return record


def _subjects(record: Mapping[str, Any], day: str | None, method: str | None) -> "Subjects":
    import numpy as np  # noqa: PLC0415 - start-up time

    from processor.valuation.frame import Frame, Subjects  # noqa: PLC0415 - start-up time
    from schemas.clock import day_number  # noqa: PLC0415 - start-up time

    wanted = day or record.get("valuation_date") or date.today().isoformat()  # noqa: DTZ011 - valuations carry local dates
    known = {name: item for name, item in record.items() if name not in _NO_CHARACTERISTICS}
    for nested in ("features", "characteristics"):
        known |= record.get(nested) or {}
    plain = {
        name: item for name, item in known.items() if isinstance(item, int | float | str) and not isinstance(item, bool)
    }
    hint = method or record.get("valuation_method_hint")
    property_id = str(record.get("property_id") or "")
    return Subjects([property_id], Frame.from_records([plain]), np.array([day_number(str(wanted))]), [hint])


def _print(found: bytes, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.write(found + b"\n")
        return
    import orjson  # noqa: PLC0415 - start-up time

    sys.stdout.buffer.write(orjson.dumps(orjson.loads(found), option=orjson.OPT_INDENT_2) + b"\n")
