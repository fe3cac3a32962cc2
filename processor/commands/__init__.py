"""Commands of the processor. Each module imports lightly: what is heavy is imported inside the functions."""

import typer

from processor.commands.ratio_study import ratio_study

app = typer.Typer()
app.command("ratio-study")(ratio_study)

__all__ = ["app"]
