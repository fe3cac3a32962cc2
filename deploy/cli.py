"""The command line tool `terrafusion`: every command of the system under one root.

Start-up must stay well under a second, so command modules import what is heavy inside their functions.
"""

import logging
import sys
from collections.abc import Callable, Iterator

import typer
from pydantic import ValidationError

import processor.commands
import producer.commands
from deploy.errors import DeployError
from deploy.local import commands as local
from deploy.sample_county import sample_county
from schemas.errors import SettingsError

FAILED = 1
_PREFIXES = {"CommonSettings": "", "LocalSettings": "", "GatewaySettings": "", "KafkaSettings": "KAFKA_"}


def build() -> typer.Typer:
    """Return the whole command line."""
    app = typer.Typer(
        name="terrafusion",
        help="TerraFusion Sync valuations: streaming mass appraisal for county assessors.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.command("up")(local.up)
    app.command("doctor")(local.doctor)
    app.add_typer(local.kafka, name="kafka")
    app.add_typer(local.topics, name="topics")
    app.command("sample-county")(sample_county)
    app.add_typer(producer.commands.app)
    app.add_typer(processor.commands.app)
    return app


def run(app: Callable[[], None]) -> int:
    """Run the command line and return its exit code; errors raised on purpose become their message alone."""
    try:
        app()
    except (DeployError, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    except ValidationError as error:
        if error.title not in _PREFIXES:
            raise
        sys.stderr.writelines(f"{line}\n" for line in _wrong_variables(error))
        return FAILED
    return 0


def _wrong_variables(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False):
        variable = f"{_PREFIXES[error.title]}{each['loc'][0]}".upper()
        yield f"{variable}={each['input']}: {each['msg']}"


def main() -> None:
    """Entry point of the console script."""
    logging.getLogger().addHandler(logging.NullHandler())  # libraries' warnings reach people as errors of ours
    sys.exit(run(build()))
