"""What the commands that talk to the gateway have in common: where it is, how they end, how they show progress."""

import sys
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from producer.commands.running import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress

    from producer.client import GatewayClient

JOBS_FAILED = 3
"""Exit code: everything was accepted, and some job that was waited for failed."""

Url = Annotated[
    str | None, typer.Option("--url", help="The gateway; else the running local stack, else GATEWAY_HOST and _PORT.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]
County = Annotated[str, typer.Option("--county", help="The county, in any spelling.")]
Date = Annotated[str | None, typer.Option("--date", help="The day to value at, YYYY-MM-DD; today where absent.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for the results.")]


def gateway_url(stated: str | None) -> str:
    """Return the gateway's address: as stated, else of the running local stack, else of the settings."""
    from producer.settings import GatewaySettings  # noqa: PLC0415 - start-up time
    from schemas.settings import StackRecord  # noqa: PLC0415 - start-up time

    if stated is not None:
        return stated
    settings = GatewaySettings()
    stack = StackRecord.read(settings.data_dir)
    return f"http://{settings.gateway_host}:{settings.gateway_port}" if stack is None else stack.gateway_url


def client(url: str) -> "GatewayClient":
    """Return a client of the gateway that presents the key of GATEWAY_API_KEY where one is set."""
    from producer.client import GatewayClient  # noqa: PLC0415 - start-up time
    from producer.settings import GatewaySettings  # noqa: PLC0415 - start-up time

    key = GatewaySettings().gateway_api_key
    return GatewayClient(url, key=None if key is None else key.get_secret_value())


def talk(work: Coroutine[Any, Any, int]) -> None:
    """Run what a command says to the gateway; the client's errors become their message."""
    from producer.client import ClientError  # noqa: PLC0415 - start-up time

    run(work, ClientError)


@contextmanager
def progress(*, shown: bool) -> "Iterator[Progress]":
    """Show a progress bar on standard error while the body runs."""
    from rich.console import Console  # noqa: PLC0415 - start-up time
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as bar:
        yield bar


def write_json(value: object) -> None:
    """Write one JSON value on a line of standard output."""
    sys.stdout.buffer.write(orjson.dumps(value) + b"\n")
    sys.stdout.flush()


def show_jobs(jobs: Iterable[Mapping[str, Any]]) -> None:
    """Write jobs as a table on standard output."""
    from rich.console import Console  # noqa: PLC0415 - start-up time
    from rich.table import Column, Table  # noqa: PLC0415 - start-up time

    table = Table("property", "status", "value", Column("job", no_wrap=True, min_width=36), "message")
    for job in jobs:
        result = job.get("result")
        value = "" if not result else f"{result['estimated_value']:,.0f}"
        table.add_row(job["property_id"], job["status"], value, job["job_id"], job["message"])
    Console().print(table)
