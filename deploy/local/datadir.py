"""The directory a local cluster's data lies in: held by one cluster at a time, rid of what a killed run left behind."""

import base64
import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Self

import psutil
from pydantic import BaseModel, ValidationError

from deploy.errors import DirectoryInUse, DiskFull
from deploy.local.cache import held_by_another, take

NEEDED_BYTES: Final = 512 << 20
_END_SECONDS: Final = 5.0
_CLUSTER_FILE: Final = "cluster.json"
_LOCK_FILE: Final = "lock"


class ClusterFile(BaseModel):
    """What the directory remembers: the cluster's id and size.

    While one runs: where it listens, empty until it does, and the process that holds it.
    """

    cluster_id: str
    brokers: int
    bootstrap_servers: str = ""
    holder: int = 0


class DataDirectory:
    """A held data directory; a context manager.

    The lock is the operating system's and ends with its holder, so no stale lock can remain. Brokers that outlived a
    killed holder are ended before the directory is given out.
    """

    def __init__(self, path: Path, brokers: int) -> None:
        self.path = path
        self._brokers = brokers
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        """Take the directory.

        Raises:
            DirectoryInUse: a running cluster has it, or it holds the data of a cluster of another size.
            DiskFull: too little room is left.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = (self.path / _LOCK_FILE).open("a+")
        try:
            self._take(self._lock)
            self._check()
        except BaseException:
            self._lock.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.close()

    @property
    def cluster_id(self) -> str:
        """The id of the cluster whose data lies here."""
        return self._read().cluster_id

    def record(self, bootstrap_servers: str) -> None:
        """Say where the cluster listens, now that it does."""
        self._write(self._read().model_copy(update={"bootstrap_servers": bootstrap_servers}))

    def _take(self, lock: IO[str]) -> None:
        if not take(lock):
            raise DirectoryInUse(
                f"A local Kafka is running on {self.path} already.",
                hint="Use it, stop it (terrafusion kafka stop), or set DATA_DIR to another directory.",
            )

    def _check(self) -> None:
        kept = self._read()
        self._write(kept.model_copy(update={"bootstrap_servers": "", "holder": os.getpid()}))
        if kept.brokers != self._brokers:
            raise DirectoryInUse(
                f"{self.path} holds the data of {kept.brokers} broker(s), not of {self._brokers}.",
                hint="Start that many brokers, or delete the directory to begin anew.",
            )
        if (free := shutil.disk_usage(self.path).free) < NEEDED_BYTES:
            raise DiskFull(
                f"{free >> 20} MiB are free where {self.path} lies; a broker needs {NEEDED_BYTES >> 20} MiB.",
                hint="Make room, or set DATA_DIR to a directory on another disk.",
            )
        for pid_file in self.path.glob("broker-*.pid"):
            self._end_left_over(pid_file)
            pid_file.unlink()

    def _end_left_over(self, pid_file: Path) -> None:
        """End the process if it is a broker of this directory; another process may have the number by now."""
        with suppress(psutil.Error, ValueError):
            process = psutil.Process(int(pid_file.read_text(encoding="utf-8")))
            if any(argument.startswith(str(self.path)) for argument in process.cmdline()):
                process.kill()
                process.wait(_END_SECONDS)

    def _read(self) -> ClusterFile:
        kept = read_cluster_file(self.path)
        if kept is not None:
            return kept
        fresh = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        return ClusterFile(cluster_id=f"T{fresh[1:]}", brokers=self._brokers)  # an id must not begin with a dash

    def _write(self, content: ClusterFile) -> None:
        fresh = self.path / f"{_CLUSTER_FILE}.new"
        fresh.write_text(content.model_dump_json(indent=2), encoding="utf-8")
        fresh.replace(self.path / _CLUSTER_FILE)


def read_cluster_file(path: Path) -> ClusterFile | None:
    """Return what the directory remembers, None when it has not held a cluster yet."""
    try:
        return ClusterFile.model_validate_json((path / _CLUSTER_FILE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def running_cluster(path: Path) -> ClusterFile | None:
    """Return what the directory remembers when a running cluster holds it, else None."""
    return read_cluster_file(path) if held_by_another(path / _LOCK_FILE) else None
