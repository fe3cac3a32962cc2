"""Commands of the processor. Each module imports lightly: what is heavy is imported inside the functions."""

import typer

from processor.commands.models import models
from processor.commands.ratio_study import ratio_study
from processor.commands.train import train
from processor.commands.value import value

app = typer.Typer()
app.command("ratio-study")(ratio_study)
app.command("train")(train)
app.command("value")(value)
app.add_typer(models, name="models")

__all__ = ["app"]
