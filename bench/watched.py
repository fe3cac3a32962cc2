"""A process under measurement: its CPU time and its resident memory, its children's included."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import psutil


class Watched:
    """Runs ``python ARGUMENTS`` with additional environment; ends it, at the latest, on leaving the context.

    ``command`` is run instead where it is given.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        core: int | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self._command = list(command or [sys.executable, *arguments])
        self.environment = environment
        self._core = core
        self.peak_mb = 0.0

    def __enter__(self) -> Self:
        self._start()
        return self

    def kill_and_start(self) -> None:
        """End the process by kill -9 and start it again."""
        self._popen.kill()
        self._popen.wait()
        self._start()

    def _start(self) -> None:
        self._popen = subprocess.Popen(self._command, env={**os.environ, **self.environment})
        self._process = psutil.Process(self._popen.pid)
        if self._core is not None:
            self._process.cpu_affinity([self._core])

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._popen.terminate()
        try:
            self._popen.wait(15)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def resident_mb(self) -> float:
        """Return its resident memory now."""
        return float(self._process.memory_info().rss / 2**20)

    def cpu_seconds(self) -> float:
        """Return user and system time used so far, and note the memory."""
        if self._popen.poll() is not None:
            raise RuntimeError(f"{self._command} ended with {self._popen.returncode}")
        self.peak_mb = max(self.peak_mb, self._process.memory_info().rss / 2**20)
        used = self._process.cpu_times()
        return float(used.user + used.system)
