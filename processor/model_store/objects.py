"""The only place that speaks with object storage: a few verbs over keys, and one error when it cannot be spoken with.

obstore does the work: one typed library with signing, retries and time limits for S3 and what is compatible with it,
15 MB in one wheel, its in-memory store for tests included; boto3 takes twice that and has no types of its own.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import ObjectStore

from processor.valuation.model.errors import StoreAway

_REST_SECONDS: Final = 5.0
"""A store that was away is not asked again for this long, so that nobody waits for its time-outs one by one."""
_NO_BUCKET: Final = "NoSuchBucket"
_MISSING: Final = (FileNotFoundError, NotFoundError)
"""obstore raises the one, and documents the other."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One object: its key, and when it was written."""

    key: str
    modified: datetime


@dataclass(slots=True)
class Objects:
    """The objects below one address. Every method blocks, for seconds at most, and may raise ``StoreAway``."""

    store: ObjectStore
    address: str
    elapsed: Callable[[], float] = time.monotonic
    reachable: bool = True
    """Whether the store answered when it was last asked."""
    _rests_until: float = field(default=float("-inf"))

    def get(self, key: str) -> bytes | None:
        """Return an object's bytes, None where there is none."""
        try:
            with self._asking():
                return bytes(obstore.get(self.store, key).bytes())
        except _MISSING:
            return None

    def fetch(self, key: str, path: Path) -> bool:
        """Write an object to a file, part by part; tell whether there is one."""
        try:
            with path.open("wb") as file, self._asking():
                for part in obstore.get(self.store, key):
                    file.write(part)
        except _MISSING:
            return False
        return True

    def put(self, key: str, content: bytes | Path) -> None:
        """Write an object whole or not at all."""
        with self._asking():
            obstore.put(self.store, key, content)

    def delete(self, key: str) -> None:
        """Remove an object; absent already is fine."""
        try:
            with self._asking():
                obstore.delete(self.store, key)
        except _MISSING:
            return

    def below(self, prefix: str) -> list[Stored]:
        """Return every object whose key lies below a prefix, which ends where a part of the key does."""
        with self._asking():
            pages = obstore.list(self.store, prefix or None)
            return [Stored(each["path"], each["last_modified"]) for page in pages for each in page]

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Translate what goes wrong, and remember whether the store answers."""
        if self.elapsed() < self._rests_until:
            raise StoreAway(f"{self.address} did not answer a moment ago")
        try:
            yield
        except (BaseError, *_MISSING) as wrong:
            self.reachable = isinstance(wrong, _MISSING) and _NO_BUCKET not in str(wrong)
            if self.reachable:
                raise
            self._rests_until = self.elapsed() + _REST_SECONDS
            raise StoreAway(f"{self.address} cannot be asked: {_told(wrong)}") from None
        self.reachable = True


def _told(wrong: Exception) -> str:
    """Return what an error says for people: its first line, not the request below it."""
    return str(wrong).partition("\n")[0].strip() or type(wrong).__name__
