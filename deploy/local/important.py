"""Pick the lines of a process's log that belong on the console: warnings and errors, and not too many of them."""

import re
import time
from collections.abc import Callable
from typing import Final

# Not what the client library says: an outage makes it say hundreds of lines, and our own loggers say what matters.
_STACK: Final = re.compile(
    r'^(?!.*(?:\[aiokafka|"logger": ?"aiokafka))'
    r'.*(?:\[(?:warning|error|critical) *\]|"level": ?"(?:warning|error|critical)")'
)
_KAFKA: Final = re.compile(r"\] (?:ERROR|FATAL) ")
_FIGURES: Final = re.compile(r"[0-9a-f]*\d[0-9a-f]*")
_BURST: Final = 8
_WINDOW_SECONDS: Final = 30.0

Clock = Callable[[], float]


class ImportantLines:
    """Called with every line of one service's output; passes on what matters.

    Lines that differ in figures only are passed on once in a window of time, and no window passes on more than a burst.
    """

    def __init__(
        self, service: str, show: Callable[[str], None], pattern: re.Pattern[str], clock: Clock = time.monotonic
    ) -> None:
        self._service = service
        self._show = show
        self._pattern = pattern
        self._clock = clock
        self._began = clock()
        self._shown: set[str] = set()
        self._held_back = 0

    def __call__(self, line: str) -> None:
        """Pass the line on if it matters and the window has room."""
        if self._pattern.search(line) is None:
            return
        self._turn_window()
        text = _FIGURES.sub("", line)
        if text not in self._shown and len(self._shown) < _BURST:
            self._shown.add(text)
            self._show(f"{self._service}: {line}")
        else:
            self._held_back += 1

    def _turn_window(self) -> None:
        now = self._clock()
        if now - self._began < _WINDOW_SECONDS:
            return
        if self._held_back:
            self._show(f"{self._service}: {self._held_back} more such lines are in its log")
        self._began, self._held_back = now, 0
        self._shown.clear()


def from_stack(service: str, show: Callable[[str], None]) -> ImportantLines:
    """Return a filter for the logs of the project's own processes, in either log format."""
    return ImportantLines(service, show, _STACK)


def from_kafka(show: Callable[[str], None]) -> ImportantLines:
    """Return a filter for the logs of brokers."""
    return ImportantLines("kafka", show, _KAFKA)
