"""The command `terrafusion sample-county`: publishes the generated county BENTON, or writes it to files."""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from deploy.errors import NotRunning
from schemas.settings import CommonSettings, KafkaSettings

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]


def sample_county(
    *,
    csv: Annotated[Path | None, typer.Option(help="Write CSV and mapping files here, publish nothing.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Publish even if the topics hold it already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Publish the sample county BENTON (5,000 properties, 36 months of sales) unless the topics hold it already."""
    facts = _publish(again=again) if csv is None else _write(csv)
    typer.echo(json.dumps(facts) if as_json else ", ".join(f"{name} {value}" for name, value in facts.items()))


def _publish(*, again: bool) -> dict[str, object]:
    from aiokafka.errors import KafkaError  # noqa: PLC0415 - start-up time

    from deploy.sample.publishing import publish_sample_county  # noqa: PLC0415 - start-up time
    from schemas.topics import topics  # noqa: PLC0415 - start-up time

    common = CommonSettings()
    options = KafkaSettings().client_options(common.data_dir)
    try:
        return asdict(asyncio.run(publish_sample_county(topics(common.topic_prefix), options, again=again)))
    except (KafkaError, OSError) as error:
        raise NotRunning(
            f"Cannot publish to Kafka at {options['bootstrap_servers']}: {error}",
            hint="Start the system with `make run`, or set KAFKA_BOOTSTRAP_SERVERS.",
        ) from error


def _write(directory: Path) -> dict[str, object]:
    from deploy.sample.files import write_files  # noqa: PLC0415 - start-up time

    return write_files(directory)
