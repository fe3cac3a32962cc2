"""What peers run on that the project does without: a virtual environment of their own, jars and a compiled class.

Both are pinned with hashes, made at the first use and kept in the user's cache. What cannot be had is a reason to
leave a peer out, never to fail.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from deploy.errors import DeployError
from deploy.local.cache import cache_directory, exclusive
from deploy.local.jars import class_path, read_lock
from deploy.local.java import find_java

_HERE: Final = Path(__file__).parent
_REQUIREMENTS: Final = _HERE / "requirements.lock"
_STREAMS: Final = _HERE / "kafka_streams"
_MAIN_CLASS: Final = "ConstantValues"
_SECONDS: Final = 600


class Unavailable(Exception):  # noqa: N818 - the name says what happened
    """A peer cannot be had on this machine; the text says why."""


def peers_python() -> str:
    """Return the Python of an environment that holds the peers' requirements, made where it is missing.

    Raises:
        Unavailable: the requirements cannot be installed.
    """
    directory = _place("peers", _REQUIREMENTS.read_bytes() + sys.version.encode())
    python = directory / "bin" / "python"
    with exclusive(directory.with_suffix(".lock")):
        if not (directory / "complete").exists():
            shutil.rmtree(directory, ignore_errors=True)
            uv = [sys.executable, "-m", "uv"]
            _run([*uv, "venv", "--quiet", "--python", sys.executable, str(directory)])
            install = ["pip", "install", "--quiet", "--require-hashes", "--requirement", str(_REQUIREMENTS)]
            _run([*uv, *install, "--python", str(python)])
            (directory / "complete").touch()
    return str(python)


def streams_command() -> list[str]:
    """Return the command that runs the Kafka Streams peer, compiled where it is not yet.

    Raises:
        Unavailable: there is no Java compiler, or the jars are not to be had.
    """
    compiler = shutil.which("javac")
    if compiler is None:
        raise Unavailable("no Java compiler (javac) on the PATH")
    source = _STREAMS / f"{_MAIN_CLASS}.java"
    try:
        jars = class_path(read_lock(_STREAMS / "jars.lock"))
        java = find_java()
    except DeployError as missing:
        raise Unavailable(missing.message) from missing
    directory = _place("streams", source.read_bytes() + java.banner.encode())
    with exclusive(directory.with_suffix(".lock")):
        if not directory.exists():
            with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
                _run([compiler, "-cp", _joined(jars), "-d", f"{scratch}/classes", str(source)])
                Path(scratch, "classes").rename(directory)
    return [str(java.path), "-Xmx384m", "-cp", _joined((directory, *jars)), _MAIN_CLASS]


def _place(name: str, content: bytes) -> Path:
    return cache_directory() / "bench" / f"{name}-{hashlib.sha256(content).hexdigest()[:16]}"


def _joined(paths: tuple[Path, ...]) -> str:
    return ":".join(map(str, paths))


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.CalledProcessError as failed:
        raise Unavailable(f"{Path(command[0]).name}: {failed.stderr.strip().splitlines()[-1:]}") from failed
    except (OSError, subprocess.TimeoutExpired) as failed:
        raise Unavailable(str(failed)) from failed
