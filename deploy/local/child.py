"""A child process under care: on a leash, its output in a log of bounded size, its last lines at hand.

It is waited for by its number, not through ``Popen``: a stop request may raise anywhere in the main thread, and inside
``Popen.poll`` it would leave a lock behind that every later wait hangs on.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from threading import Thread
from typing import IO, Final

LOG_BYTES: Final = 8 << 20
LOG_FILES: Final = 3
_TAIL_LINES: Final = 200
_UNKNOWN_EXIT: Final = 255
_LOOK_SECONDS: Final = 0.02
_KILL_SECONDS: Final = 5.0
_LEASH: Final = Path(__file__).with_name("leash.py")

Heard = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Command:
    """What to run: arguments, environment (None: this process's own), and the log file of its output."""

    arguments: Sequence[str]
    log: Path
    environment: Mapping[str, str] | None = None


class Child:
    """One run of a command, started on construction from the calling thread, which must outlive it.

    The child has a session of its own, so that Ctrl-C in the terminal reaches the parent only. ``heard`` is called with
    each line of its output, from a thread.
    """

    def __init__(self, command: Command, heard: Heard | None = None) -> None:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        self.log = command.log
        self._lines: deque[str] = deque(maxlen=_TAIL_LINES)
        self._heard = heard
        self._process = subprocess.Popen(  # noqa: S603 - the arguments are the project's own
            [sys.executable, "-I", "-S", _LEASH, str(os.getpid()), *command.arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=command.environment,
            start_new_session=True,
        )
        self._pump = Thread(target=self._write_log, name=f"log-{self.pid}", daemon=True)
        self._pump.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended: None while it runs, the negative number of the signal that ended it, else its exit code."""
        if self._process.returncode is None:
            self._process.returncode = _exit_code(self.pid)
        return self._process.returncode

    def tail(self, lines: int = 15) -> list[str]:
        """Return the last lines of its output."""
        if self.exit_code is not None:
            self._pump.join(1)
        return list(self._lines)[-lines:]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when it has ended."""
        if self.exit_code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, timeout: float) -> bool:
        """Wait until it has ended, at most ``timeout`` seconds; return whether it has."""
        end = time.monotonic() + timeout
        while self.exit_code is None:
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, _LOOK_SECONDS))
        return True

    def stop(self, timeout: float) -> None:
        """Ask it to end, and kill it when it has not within ``timeout`` seconds; return when it has ended."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)  # a stopped process would not see the first
        if not self.wait(timeout):
            self.kill()

    def kill(self) -> None:
        """Kill its whole session at once, and return when it has ended."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait(_KILL_SECONDS)
        self._pump.join(1)

    def _write_log(self) -> None:
        handler = _Log(self.log, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True)
        with self._output() as output:
            for raw in output:
                line = raw.decode("utf-8", "replace").rstrip("\n")
                self._lines.append(line)
                handler.emit(logging.makeLogRecord({"msg": line}))
                if self._heard is not None:
                    self._heard(line)
        handler.close()

    def _output(self) -> IO[bytes]:
        if self._process.stdout is None:  # it is a pipe: see the constructor
            raise AssertionError
        return self._process.stdout


def _exit_code(pid: int) -> int | None:
    """Return how a child ended, None while it runs; what has been asked before, and the answer lost, is unknown."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return _UNKNOWN_EXIT
    return os.waitstatus_to_exitcode(status) if found else None


class _Log(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Go on without the line: a full disk must not block the child."""
