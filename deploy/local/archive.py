"""Class-data archives: what the JVM has once worked out about Kafka's classes saves a second per start.

An archive is named after the Java and the jars it belongs to and after its own bytes. So a torn or altered one is never
used, a start with another Java makes its own, and any number of brokers may write one at once.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from deploy.local.cache import cache_directory
from deploy.local.java import Java


@dataclass(frozen=True, slots=True)
class Archive:
    """The place of the archive of one Java and one set of jars."""

    directory: Path

    def options(self) -> list[str]:
        """Return the JVM options that use the archive, or none when there is none yet."""
        found = self._find()
        return [] if found is None else [f"-XX:SharedArchiveFile={found}", "-Xshare:auto"]

    def recording(self) -> tuple[list[str], Path]:
        """Return the JVM options that write an archive when the JVM ends in good order, and the file they write."""
        self.directory.mkdir(parents=True, exist_ok=True)
        fresh = self.directory / f"{os.getpid()}-{uuid4().hex[:8]}.new"
        return [f"-XX:ArchiveClassesAtExit={fresh}", "-Xlog:cds=error", "-Xlog:cds+dynamic=error"], fresh

    def keep(self, fresh: Path) -> None:
        """Take a file that `recording` named into use, if it was written."""
        digest = _digest(fresh)
        if digest is not None:
            fresh.replace(self.directory / f"{digest}.jsa")

    def _find(self) -> Path | None:
        for candidate in sorted(self.directory.glob("*.jsa")):
            if _digest(candidate) == candidate.stem:
                return candidate
            candidate.unlink(missing_ok=True)
        return None


def archive(java: Java, jars: str) -> Archive:
    """Return the archive of this Java and the set of jars of that digest."""
    this = hashlib.sha256(f"{java.banner}{java.path.resolve()}".encode()).hexdigest()[:16]
    return Archive(cache_directory() / "cds" / f"{jars}-{this}")


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:32] if path.stat().st_size else None
    except OSError:
        return None
