"""Command line of the way in; each command module imports what is heavy inside its functions."""

import typer

from producer.commands.importing import import_app

app = typer.Typer()
app.add_typer(import_app, name="import")

__all__ = ["app", "import_app"]
