"""Run a command that does not outlive its parent: `python leash.py PARENT_PID COMMAND...`.

On Linux the kernel kills the command when the thread that started it ends, however it ends (PR_SET_PDEATHSIG survives
the exec below); so start it from a thread that lives as long as the command shall. Elsewhere it only runs the command.
Imports nothing beyond the standard library, as it runs with `-I -S` to start quickly.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Tie this process to ``parent`` and become ``command``."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the line above: nobody will send the signal any more
            return
    os.execvp(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
