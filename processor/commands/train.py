"""``terrafusion train``: learn a county's model from its sales, study it forward, publish it if the study passes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.settings import CommonSettings, KafkaSettings

if TYPE_CHECKING:
    from processor.training.publish import Publication
    from processor.training.train import Trained
    from processor.valuation.frame import Sales
    from processor.valuation.model.bundle import Bundle
    from schemas.tabular import Report


def train(  # noqa: PLR0913 - the options of a command
    *,
    county: Annotated[str, typer.Option(help="county to train, in any spelling")],
    sales: Annotated[Path | None, typer.Option(help="CSV or Parquet file of sales; the topic where absent")] = None,
    mapping: Annotated[Path | None, typer.Option(help="mapping file of --sales")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="YYYY-MM-DD: learn from sales before that day, study on the later ones")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="publish whatever the gate says")] = False,
    html: Annotated[Path | None, typer.Option(help="write the forward study as a page with charts")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object, last")] = False,
) -> None:
    """Learn a county's valuation model from its sales and publish it if its forward ratio study passes the gate."""
    from processor.commands.telling import refuse, tell, tell_report, write_page  # noqa: PLC0415 - start-up time
    from processor.training.errors import TrainingError  # noqa: PLC0415 - start-up time
    from processor.valuation.model.errors import BundleError  # noqa: PLC0415 - start-up time
    from schemas.clock import day_number  # noqa: PLC0415 - start-up time
    from schemas.counties import normalise_county  # noqa: PLC0415 - start-up time
    from schemas.tabular import TabularError  # noqa: PLC0415 - start-up time

    county_id, report = county, None
    try:
        county_id = normalise_county(county)
        before = None if as_of is None else day_number(as_of)
        pool, report = _sales(county_id, sales, mapping)
        if report is not None:
            tell_report(report)
        trained, outcome = _trained(county_id, pool, before, force=force)
        if html is not None:
            write_page(html, county_id, trained, pool)
    except (BundleError, OSError, TabularError, TrainingError, ValueError) as error:
        refuse(county_id, str(error), report, as_json=as_json)
    tell(outcome, report, as_json=as_json)


def _sales(county_id: str, file: Path | None, mapping: Path | None) -> "tuple[Sales, Report | None]":
    if (file is None) != (mapping is None):
        raise ValueError("--sales and --mapping go together")
    if file is None or mapping is None:
        return _from_topic(county_id), None
    from processor.training.files import sales_from_file  # noqa: PLC0415 - start-up time

    _, found, report = sales_from_file(file, mapping, county_id)
    return found, report


def _from_topic(county_id: str) -> "Sales":
    from aiokafka.errors import KafkaError  # noqa: PLC0415 - start-up time

    from processor.commands.announcing import reachable, sales_on_topic  # noqa: PLC0415 - start-up time

    common, kafka = CommonSettings(), KafkaSettings()
    if not reachable(common, kafka):
        raise ValueError("no --sales given and no Kafka to read them from: set KAFKA_BOOTSTRAP_SERVERS or `make run`")
    try:
        return sales_on_topic(county_id, common, kafka)
    except (KafkaError, TimeoutError, OSError) as error:
        raise ValueError(f"the sales could not be read from Kafka: {error}") from error


def _trained(county_id: str, pool: "Sales", before: int | None, *, force: bool) -> "tuple[Trained, Publication]":
    from processor.model_store import open_model_store  # noqa: PLC0415 - start-up time
    from processor.training.publish import publish  # noqa: PLC0415 - start-up time
    from processor.training.train import train as learn  # noqa: PLC0415 - start-up time

    common = CommonSettings()
    store = open_model_store(common)
    store.serving(county_id)  # a store that is away says so now, not after minutes of learning
    with _progress() as report:
        found = learn(county_id, pool, as_of=before, report=report)
    trained_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return found, publish(found, pool, store, announce_or_say_why_not, trained_at=trained_at, force=force)


def announce_or_say_why_not(bundle: "Bundle") -> bool:
    """Announce a bundle where Kafka is at hand; else say so on standard error and go on."""
    from aiokafka.errors import KafkaError  # noqa: PLC0415 - start-up time

    from processor.commands.announcing import announce, reachable  # noqa: PLC0415 - start-up time

    common, kafka = CommonSettings(), KafkaSettings()
    if not reachable(common, kafka):
        typer.echo("no Kafka at hand: the model serves offline; announce it later with `models promote`", err=True)
        return False
    try:
        announce(bundle, common, kafka)
    except (KafkaError, TimeoutError, OSError) as error:
        typer.echo(f"the model could not be announced ({error}); do it later with `models promote`", err=True)
        return False
    return True


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar on standard error; plain lines where that is no terminal."""
    from rich.console import Console  # noqa: PLC0415 - start-up time
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - start-up time

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), refresh_per_second=4) as bar:
        task = bar.add_task("starting", total=1)
        yield lambda doing, done, total: bar.update(task, description=doing, completed=done, total=total)
        bar.update(task, completed=1, total=1, description="trained")
