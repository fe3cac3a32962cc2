"""The command line tool `terrafusion`: every command of the system under one root.

Start-up must stay well under a second, so command modules import what is heavy inside their functions.
"""

import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module

import typer

from deploy.errors import DeployError
from deploy.local import commands as local
from deploy.sample_county import sample_county

FAILED = 1


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
    for module in ("producer.commands", "processor.commands"):
        with suppress(ModuleNotFoundError, AttributeError):
            app.add_typer(import_module(module).app)
    return app


def run(app: Callable[[], None]) -> int:
    """Run the command line and return its exit code; errors raised on purpose become their message alone."""
    try:
        app()
    except DeployError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    return 0


def main() -> None:
    """Entry point of the console script."""
    logging.getLogger().addHandler(logging.NullHandler())  # libraries' warnings reach people as errors of ours
    sys.exit(run(build()))
