"""A small disk for the gateway's job store, and the fault of its being full: a file system in memory, a real ENOSPC."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.chaos.plan import PlannedFault
from tests.chaos.recovering import Sign

_MEGABYTES: Final = 1024
"""A job takes some 2.2 kB of it: enough for 400,000."""


@contextmanager
def small_disk(path: Path) -> Iterator[Path | None]:
    """Mount a file system of its own at ``path`` for the life of the context; None where that is not allowed."""
    path.mkdir(parents=True)
    mount = ("mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m", "terrafusion-chaos", str(path))
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        yield None
        return
    try:
        yield path
    finally:
        subprocess.run(("umount", "--lazy", str(path)), check=True)  # noqa: S607 - where it lies differs


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk as the target of being filled to the last byte."""

    path: Path
    name: str = "disk"

    async def ready(self) -> bool:
        """Return whether there is room."""
        return not self._filler.exists()

    async def suffer(self, fault: PlannedFault) -> Sign:
        """Be full for a while."""
        await asyncio.to_thread(self._fill)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self._filler.unlink()
        return Sign()

    @property
    def _filler(self) -> Path:
        return self.path / "filler"

    def _fill(self) -> None:
        with self._filler.open("wb") as file:
            while (free := _free(self.path)) > 0:
                try:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free)
                except OSError:  # the store has just taken some of it
                    continue


def _free(path: Path) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize
