"""Command line of the way in; each command module imports what is heavy inside its functions."""

import typer

from producer.commands.deadletters import dlq
from producer.commands.export import export
from producer.commands.importing import import_app
from producer.commands.keys import keys
from producer.commands.submit import reappraise, submit
from producer.commands.watch import watch

app = typer.Typer()
app.add_typer(import_app, name="import")
app.add_typer(dlq, name="dlq")
app.add_typer(keys, name="keys")
app.command("submit")(submit)
app.command("watch")(watch)
app.command("reappraise")(reappraise)
app.command("export")(export)

__all__ = ["app", "import_app"]
