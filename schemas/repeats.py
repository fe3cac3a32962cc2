"""Keeps what is logged again and again from filling a disk."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_MOST_EVENTS: Final = 1_000
"""Different events that are counted; libraries may put anything into theirs."""


@dataclass(slots=True)
class _Window:
    """How often one event was heard since a moment."""

    began: float
    heard: int = 0


class Repeats(logging.Filter):
    """Lets an event of a logger pass ``most`` times in ``seconds``; the next that passes says how many did not.

    A process that meets the same trouble for hours, with each partition of its own, must not fill a disk.
    """

    def __init__(self, most: int = 20, seconds: float = 60.0, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._most = most
        self._seconds = seconds
        self._now = now
        self._windows: dict[tuple[str, str], _Window] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be written; what is critical always is."""
        now = self._now()
        window = self._window(record, now)
        withheld = 0
        if now - window.began >= self._seconds:
            withheld, window.began, window.heard = max(0, window.heard - self._most), now, 0
        window.heard += 1
        if withheld:
            _say_withheld(record, withheld)
        return window.heard <= self._most or record.levelno >= logging.CRITICAL

    def _window(self, record: logging.LogRecord, now: float) -> _Window:
        if len(self._windows) >= _MOST_EVENTS:
            self._windows.clear()
        return self._windows.setdefault((record.name, _event(record.msg)), _Window(now))


def _event(message: object) -> str:
    return str(message.get("event")) if isinstance(message, dict) else str(message)


def _say_withheld(record: logging.LogRecord, count: int) -> None:
    if isinstance(record.msg, dict):
        record.msg = {**record.msg, "withheld": count}
    else:
        record.msg, record.args = f"{record.getMessage()} (withheld: {count})", ()
