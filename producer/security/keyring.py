"""The keys that a running gateway accepts: those of its file, read anew when the file changes."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from producer.security.errors import KeysFileError
from producer.security.keyfile import read_keys
from producer.security.keys import KeyEntry, compare_with_nobodys, id_in
from schemas.logs import get_logger

_LOOK_SECONDS: Final = 1.0
_log = get_logger(__name__)
_Stamp = tuple[int, int, int]


class KeyRing:
    """Knows the live keys.

    The file is looked at once a second at most, when somebody asks. One that has become unreadable changes nothing
    and is logged once: a slip of an editor must not lock everybody out.

    Raises:
        KeysFileError: the file cannot be used when the gateway starts.
    """

    def __init__(self, path: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._stamp = _stamp(path)
        self._keys = {key.id: key for key in read_keys(path)}
        self._look_at = monotonic() + _LOOK_SECONDS

    def authenticate(self, token: str) -> KeyEntry | None:
        """Return the live key that a token is, None where it is none."""
        key_id = id_in(token)
        if key_id is None:
            return None
        self._look()
        key = self._keys.get(key_id)
        if key is None:
            compare_with_nobodys(token)
            return None
        return key if key.fits(token) and key.state(_now()) == "live" else None

    def still_live(self, key_id: str) -> bool:
        """Return whether a key that was accepted before would be accepted now."""
        self._look()
        key = self._keys.get(key_id)
        return key is not None and key.state(_now()) == "live"

    def _look(self) -> None:
        if (now := self._monotonic()) < self._look_at:
            return
        self._look_at = now + _LOOK_SECONDS
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = {key.id: key for key in read_keys(self._path)}
        except KeysFileError as wrong:
            _log.error("the keys file cannot be read anew; the keys stay as they were", error=str(wrong))
        else:
            _log.info("the keys file was read anew", keys=len(self._keys))


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _now() -> datetime:
    return datetime.now(UTC)
