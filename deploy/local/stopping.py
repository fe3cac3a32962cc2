"""Ctrl-C, SIGTERM and SIGHUP: the first asks the stack to stop in order, the second, or too long a wait, kills it."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from threading import Thread, Timer
from types import FrameType
from typing import Final, Self

STOP_SECONDS: Final = 14.5
FORCED_EXIT: Final = 130
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_KILL_SECONDS: Final = 3.0
_PR_SET_PDEATHSIG: Final = 1


class StopRequested(KeyboardInterrupt):
    """Somebody asked the stack to stop; raised in the main thread wherever it is."""


class StopSignals:
    """Turns the signals into `StopRequested` while its context lasts; for the main thread.

    ``kill`` must end every child at once; it is called before this process leaves in haste.
    """

    def __init__(self, kill: Callable[[], None], limit: float = STOP_SECONDS) -> None:
        self._kill = kill
        self._watch = Timer(limit, self._leave)
        self._watch.daemon = True
        self._asked = False
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores it
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        if self._asked:
            self._leave()
        self._asked = True
        self._watch.start()
        raise StopRequested

    def _leave(self) -> None:
        """Kill and leave, whatever hangs: children die with this process anyway."""
        killing = Thread(target=self._kill, daemon=True)
        killing.start()
        killing.join(_KILL_SECONDS)
        os._exit(FORCED_EXIT)


def stop_with_make() -> None:
    """Under make, on Linux: have the kernel send SIGTERM to this process when make is killed.

    Make passes on the signals it gets, but cannot pass on a SIGKILL.
    """
    if sys.platform == "linux" and "MAKELEVEL" in os.environ:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
