"""How a command's asynchronous work runs and ends: an exit code, and failures as their message alone."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

import typer

FAILED = 1
"""Exit code: what the command needs cannot be reached, or refused the request."""
_INTERRUPTED = 130


def run(work: Coroutine[Any, Any, int], failures: type[Exception]) -> None:
    """Run a command's work and exit with the code it returns; ``failures`` become their message."""
    try:
        code = asyncio.run(work)
    except failures as wrong:
        sys.stderr.write(f"{wrong}\n")
        code = FAILED
    except KeyboardInterrupt:
        code = _INTERRUPTED
    raise typer.Exit(code)
