"""A file of named documents and arrays: written whole or not at all, and believed only after its hash was verified.

Arrays are written one after the other as they come, so that writing a large table never holds a second copy of it.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from processor.roll.errors import SnapshotRefused

_MAGIC: Final = b"TFROLL1\n"
_DIGEST_BYTES: Final = 32
_CHUNK: Final = 1 << 20
_DOCUMENT: Final = "json"


class Writer:
    """Writes sections to a file under construction."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._put(_MAGIC)

    def document(self, name: str, value: object) -> None:
        """Write what JSON can say."""
        self._section(name, _DOCUMENT, memoryview(orjson.dumps(value)))

    def array(self, name: str, array: NDArray[Any]) -> None:
        """Write a one-dimensional array of numbers."""
        content = np.ascontiguousarray(array).data.cast("B") if array.size else memoryview(b"")
        self._section(name, array.dtype.str, content)

    def seal(self) -> None:
        """Write the hash of everything before."""
        self._file.write(self._hash.digest())

    def _section(self, name: str, kind: str, content: memoryview) -> None:
        self._put(orjson.dumps([name, kind, len(content)]) + b"\n")
        self._put(content)

    def _put(self, content: bytes | memoryview) -> None:
        self._hash.update(content)
        self._file.write(content)


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Yield a writer; the file is in place, on disk and whole when the context is left without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, fresh = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            writer = Writer(file)
            yield writer
            writer.seal()
            file.flush()
            os.fsync(file.fileno())
        Path(fresh).replace(path)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise


@dataclass(frozen=True, slots=True)
class Sections:
    """The sections of a verified file."""

    path: Path
    _places: Mapping[str, tuple[str, int, int]]

    def document(self, name: str) -> Any:
        """Return a document.

        Raises:
            SnapshotRefused: there is none of that name.
        """
        kind, start, length = self._place(name)
        if kind != _DOCUMENT:
            raise SnapshotRefused(f"{name} is no document")
        with self.path.open("rb") as file:
            file.seek(start)
            return orjson.loads(file.read(length))

    def array(self, name: str) -> NDArray[Any]:
        """Return an array of its own, that may be written to.

        Raises:
            SnapshotRefused: there is none of that name.
        """
        kind, start, length = self._place(name)
        dtype = np.dtype(kind)
        return np.fromfile(self.path, dtype=dtype, count=length // dtype.itemsize, offset=start)

    def _place(self, name: str) -> tuple[str, int, int]:
        found = self._places.get(name)
        if found is None:
            raise SnapshotRefused(f"no section {name}")
        return found


def verified(path: Path) -> Sections:
    """Return the sections of a file after its hash has been verified.

    Raises:
        SnapshotRefused: it is no such file, or not as it was written.
        OSError: it is not there, or cannot be read.
    """
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END) - _DIGEST_BYTES
        file.seek(0)
        if file.read(len(_MAGIC)) != _MAGIC:
            raise SnapshotRefused("it is no snapshot of this version")
        if _digest(file, end) != file.read(_DIGEST_BYTES):
            raise SnapshotRefused("it is damaged: its hash is another")
        return Sections(path, dict(_places(file, end)))


def _digest(file: IO[bytes], end: int) -> bytes:
    file.seek(0)
    found, left = hashlib.sha256(), end
    while left > 0 and (part := file.read(min(_CHUNK, left))):
        found.update(part)
        left -= len(part)
    return found.digest()


def _places(file: IO[bytes], end: int) -> Iterator[tuple[str, tuple[str, int, int]]]:
    file.seek(len(_MAGIC))
    while file.tell() < end:
        name, kind, length = orjson.loads(file.readline())
        yield name, (kind, file.tell(), length)
        file.seek(length, os.SEEK_CUR)
