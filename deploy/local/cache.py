"""What processes of one user share: the cache of what is costly to get (Kafka's jars, class-data archives), and locks.

The locks are the operating system's and end with their holders, however those end: a left-over file means nothing.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

_LOOK_SECONDS: Final = 0.3  # somebody who only looks holds a lock for an instant
_POLL_SECONDS: Final = 0.02


def cache_directory() -> Path:
    """Return the cache directory of this user, following the XDG base directory specification; it may not exist."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "terrafusion"


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file ``path``, waiting for whoever holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def held_by_another(path: Path) -> bool:
    """Return whether another process holds the lock file ``path``; a missing file is nobody's."""
    try:
        with path.open() as file:
            return not _try_lock(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def take(file: IO[str]) -> bool:
    """Take the lock of an open file for as long as it stays open; return False when another process holds it."""
    end = time.monotonic() + _LOOK_SECONDS
    while not _try_lock(file, fcntl.LOCK_EX):
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _try_lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
