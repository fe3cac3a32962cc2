"""How far a training is, for whoever shows it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

Report = Callable[[str, int, int], None]
"""Called with what is being done, the steps done and the steps there are."""


def silent(_doing: str, _done: int, _total: int) -> None:
    """Show nothing."""


@dataclass(slots=True)
class Progress:
    """Counts steps from any thread and reports each; a step is about one tree."""

    total: int
    report: Report = silent
    doing: str = ""
    done: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def start(self, doing: str) -> None:
        """Say what comes next."""
        with self._lock:
            self.doing = doing
            self.report(self.doing, self.done, self.total)

    def step(self, steps: int = 1) -> None:
        """Count steps as done."""
        with self._lock:
            self.done += steps
            self.report(self.doing, min(self.done, self.total), self.total)
