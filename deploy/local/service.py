"""What is looked after: a process that can be started again and again, on a leash, its output logged."""

import signal
from abc import ABC, abstractmethod
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.request import ProxyHandler, build_opener

from deploy.local.child import Child, Command, Heard

_PROBE_SECONDS: Final = 1.0
_OK: Final = 200
_DIRECT: Final = build_opener(ProxyHandler({}))  # a proxy for the world outside does not reach this machine


class Service(ABC):
    """A process under care, through all its runs. Start it from a thread that outlives it."""

    def __init__(self, name: str, heard: Heard | None = None) -> None:
        self.name = name
        self._heard = heard
        self._child: Child | None = None

    @abstractmethod
    def command(self) -> Command:
        """Return what the next run runs."""

    @abstractmethod
    def ready(self) -> bool:
        """Return whether it does its work; waits at most about a second."""

    @property
    def pid(self) -> int:
        """The process id of its last run; 0 before the first."""
        return 0 if self._child is None else self._child.pid

    @property
    def log(self) -> Path | None:
        """The log file of its last run."""
        return None if self._child is None else self._child.log

    def start(self) -> None:
        """Start it, without waiting for it; nothing happens while it runs."""
        if self._child is None or self._child.exit_code is not None:
            self._child = Child(self.command(), self._heard)

    def exit_code(self) -> int | None:
        """Return how it ended: None while it runs, the negative number of a signal, else its exit code."""
        return None if self._child is None else self._child.exit_code

    def ask_to_stop(self) -> None:
        """Send SIGTERM, and SIGCONT as a paused process would not see it; without waiting."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)

    def stop(self, timeout: float) -> None:
        """Ask it to end, kill it after ``timeout`` seconds, and return when it has ended."""
        if self._child is not None:
            self._child.stop(timeout)

    def kill(self) -> None:
        """Kill it at once, and return when it has ended."""
        if self._child is not None:
            self._child.kill()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens when it does not run."""
        if self._child is not None:
            self._child.signal(number)

    def tail(self, lines: int = 15) -> list[str]:
        """Return the last lines it has logged."""
        return [] if self._child is None else self._child.tail(lines)


class WebService(Service):
    """A process that answers 200 on a URL when it is ready."""

    def __init__(self, name: str, command: Command, ready_url: str, heard: Heard | None = None) -> None:
        super().__init__(name, heard)
        self._command = command
        self._ready_url = ready_url

    def command(self) -> Command:
        """Return the command of every run."""
        return self._command

    def ready(self) -> bool:
        """Return whether the readiness URL answers 200."""
        return answers(self._ready_url)


def answers(url: str) -> bool:
    """Return whether the URL answers 200 within about a second."""
    try:
        with _DIRECT.open(url, timeout=_PROBE_SECONDS) as answer:
            return bool(answer.status == _OK)
    except (OSError, HTTPException):  # urllib's own errors are OSErrors
        return False
