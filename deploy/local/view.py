"""What a person, or a program with ``--json``, sees of long work on the console."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Advance = Callable[[int, int], None]


class View(Protocol):
    """Where events of a long run go."""

    def step(self, name: str) -> AbstractContextManager[Advance]:
        """Show that a step runs until the context ends; what it yields takes (done, total) as it gets on."""

    def say(self, text: str, **facts: object) -> None:
        """Show an event."""

    def warn(self, text: str, **facts: object) -> None:
        """Show an event that somebody should look at."""


class ConsoleView:
    """For people: a moving line for the running step on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, name: str) -> Iterator[Advance]:
        """Show that a step runs, then how long it took."""
        began = time.monotonic()
        if self.console.is_terminal:
            with self._moving(name) as advance:
                yield advance
        else:
            self.console.print(f"{escape(name)} ...", highlight=False)
            yield lambda _done, _total: None
        self.console.print(f"[green]done[/] {escape(name)} [dim]({time.monotonic() - began:.1f} s)[/]", highlight=False)

    def say(self, text: str, **_facts: object) -> None:
        """Print a line."""
        self.console.print(escape(text), highlight=False, soft_wrap=True)

    def warn(self, text: str, **_facts: object) -> None:
        """Print a line that stands out."""
        self.console.print(escape(text), style="yellow", highlight=False, soft_wrap=True)

    @contextmanager
    def _moving(self, name: str) -> Iterator[Advance]:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=self.console, transient=True) as progress:
            task = progress.add_task(escape(name), total=None)
            yield lambda done, total: progress.update(task, completed=done, total=total)


class JsonView:
    """For programs: one JSON object a line."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    @contextmanager
    def step(self, name: str) -> Iterator[Advance]:
        """Write when a step begins and when it has ended."""
        began = time.monotonic()
        self._line("step", name)
        yield lambda _done, _total: None
        self._line("done", name, seconds=round(time.monotonic() - began, 3))

    def say(self, text: str, **facts: object) -> None:
        """Write an event."""
        self._line("info", text, **facts)

    def warn(self, text: str, **facts: object) -> None:
        """Write an event that somebody should look at."""
        self._line("warning", text, **facts)

    def _line(self, kind: str, text: str, **facts: object) -> None:
        self._write(json.dumps({"kind": kind, "text": text, **facts}, default=str))
