"""The file of API keys: only hashes, readable for its owner alone, replaced as a whole."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from producer.security.errors import KeysFileError
from producer.security.keys import KeyEntry

DEFAULT_NAME: Final = "api-keys.json"
"""Name of the keys file in DATA_DIR where no setting names another."""
_PRIVATE: Final = 0o600


class KeysFile(BaseModel):
    """Everything that a keys file holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    keys: tuple[KeyEntry, ...] = ()

    @field_validator("keys")
    @classmethod
    def _ids_differ(cls, keys: tuple[KeyEntry, ...]) -> tuple[KeyEntry, ...]:
        if len({key.id for key in keys}) != len(keys):
            raise ValueError("two keys have the same id")
        return keys


def read_keys(path: Path) -> tuple[KeyEntry, ...]:
    """Return the keys of a file.

    Raises:
        KeysFileError: it cannot be read or is no keys file; the message shows nothing of its content.
    """
    try:
        return KeysFile.model_validate_json(path.read_bytes()).keys
    except OSError as wrong:
        raise KeysFileError(f"The keys file {path} cannot be read: {wrong.strerror}.") from wrong
    except ValidationError as wrong:
        faults = "; ".join(f"{_place(fault['loc'])}{fault['msg']}" for fault in wrong.errors(include_input=False)[:3])
        raise KeysFileError(f"The keys file {path} cannot be used: {faults}.") from None


def change_keys(path: Path, change: Callable[[Sequence[KeyEntry]], Sequence[KeyEntry]]) -> None:
    """Replace the keys of a file by what ``change`` makes of them; a file that is not there yet holds none.

    Several at once wait for each other, and readers see the old file or the new one.

    Raises:
        KeysFileError: the file cannot be read, used or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            keys = read_keys(path) if path.exists() else ()
            _replace(path, KeysFile(keys=tuple(change(keys))))
    except OSError as wrong:
        raise KeysFileError(f"The keys file {path} cannot be written: {wrong.strerror}.") from wrong


def _replace(path: Path, content: KeysFile) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "wb") as file:
        file.write(
            orjson.dumps(content.model_dump(mode="json"), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        )
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _place(location: tuple[int | str, ...]) -> str:
    return f"{'.'.join(map(str, location))}: " if location else ""
