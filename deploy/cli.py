"""The command line tool `terrafusion`: every command of the system under one root.

Start-up must stay well under a second, so command modules import what is heavy inside their functions.
"""

import sys
from collections.abc import Callable

import typer

from deploy.errors import DeployError
from deploy.local import commands as local

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
    sys.exit(run(build()))
