"""Apache Kafka's jars from Maven coordinates, with Python alone.

`kafka.lock` lists every jar with its SHA-256 sum. Only listed jars whose sums agree are ever put on a class path; they
live in the per-user cache, so that a second checkout fetches nothing. `relock` writes the list anew.
"""

import hashlib
import os
import shutil
import ssl
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.errors import JarAltered, JarsUnavailable
from deploy.local.cache import cache_directory, exclusive

LOCK_FILE: Final = Path(__file__).with_name("kafka.lock")
_PARALLEL: Final = 8
_TOLD: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_CONNECT_SECONDS: Final = 20

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, order=True)
class Jar:
    """One jar: its Maven coordinates and the SHA-256 sum of its bytes."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name Maven gives the file."""
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version} sha256:{self.sha256}"


Source = Callable[[Jar, Path], Path]
"""Gives the file of a jar, which need not be the recorded one; may write below the directory it is given."""


def read_lock(path: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """Return the jars listed in the lock file, in its order."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return tuple(_jar(coordinates, digest) for coordinates, digest in lines)


def _jar(coordinates: str, digest: str) -> Jar:
    group, artifact, version = coordinates.split(":")
    return Jar(group, artifact, version, digest.removeprefix("sha256:"))


def lock_digest(jars: Iterable[Jar]) -> str:
    """Return a short name for exactly this set of jars."""
    return hashlib.sha256("\n".join(sorted(map(str, jars))).encode()).hexdigest()[:16]


def jars_directory(jars: Sequence[Jar]) -> Path:
    """Return where these jars live in the cache."""
    return cache_directory() / "kafka" / lock_digest(jars)


def missing(jars: Sequence[Jar]) -> tuple[Jar, ...]:
    """Return the jars that are not in the cache, or not with the recorded sum."""
    directory = jars_directory(jars)
    return tuple(jar for jar in jars if _sum(directory / jar.file_name) != jar.sha256)


def class_path(jars: Sequence[Jar], progress: Progress | None = None, source: Source | None = None) -> tuple[Path, ...]:
    """Return the verified jar files, fetching those that the cache lacks.

    Every file is read and its sum compared on each call. Files appear in the cache in one step, and one process at a
    time fetches, so any number of processes may call this at once, and one that is killed leaves nothing half done.
    ``progress(done, total)`` is called as jars arrive; ``source`` is `from_repositories` unless given.

    Raises:
        JarsUnavailable: a jar is not to be had.
        JarAltered: what was fetched is not what is recorded.
    """
    directory = jars_directory(jars)
    if missing(jars):
        with exclusive(directory.with_suffix(".lock")), _trusting_this_machine():
            _fetch(missing(jars), directory, progress or (lambda _done, _total: None), source or from_repositories)
    return tuple(directory / jar.file_name for jar in jars)


def from_repositories(jar: Jar, scratch: Path) -> Path:
    """Return the file from Maven's own local repository where it has the recorded one, else from the network.

    Raises:
        JarsUnavailable: the file is not to be had.
    """
    from jgo.maven import MavenContext  # noqa: PLC0415 - start-up time

    own = _maven_repository() / jar.group.replace(".", "/") / jar.artifact / jar.version / jar.file_name
    if _sum(own) == jar.sha256:
        return own
    context = MavenContext(repo_cache=scratch, timeout=_CONNECT_SECONDS)
    try:
        fetched: Path = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
        raise JarsUnavailable(
            f"{jar.group}:{jar.artifact}:{jar.version} could not be fetched: {error}",
            hint="Kafka's jars are fetched once per user. Check the network and its proxy settings, then try again.",
        ) from error
    return fetched


def _sum(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _fetch(jars: Sequence[Jar], directory: Path, progress: Progress, source: Source) -> None:
    if not jars:
        return
    directory.mkdir(parents=True, exist_ok=True)
    prefix = f"{directory.name}-fetch-"
    for abandoned in directory.parent.glob(f"{prefix}*"):  # whoever fetched these was killed: the lock is ours now
        shutil.rmtree(abandoned, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=prefix) as scratch, _pool() as pool:
        for done, path in enumerate(pool.map(lambda jar: _verified(jar, Path(scratch), source), jars), start=1):
            path.replace(directory / path.name)
            progress(done, len(jars))


def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_PARALLEL, thread_name_prefix="jars")


def _verified(jar: Jar, scratch: Path, source: Source) -> Path:
    """Return a copy below ``scratch`` of what the source gave, if it has the recorded sum."""
    copy = scratch / jar.file_name
    shutil.copyfile(source(jar, scratch), copy)
    if (got := _sum(copy)) != jar.sha256:
        raise JarAltered(
            f"{jar.file_name} has the SHA-256 sum {got}, but {jar.sha256} is recorded in {LOCK_FILE.name}.",
            hint="The file was not used. Something between here and the artifact repository altered it.",
        )
    return copy


@contextmanager
def _trusting_this_machine() -> Iterator[None]:
    """Have requests, which jgo fetches with, trust the authorities of this machine, and not only those it brings.

    Behind a company's proxy only the former know its certificate. Whoever has told requests what to trust is obeyed.
    """
    bundle = ssl.get_default_verify_paths().cafile
    if bundle is None or any(os.environ.get(name) for name in _TOLD):
        yield
        return
    os.environ[_TOLD[0]] = bundle
    try:
        yield
    finally:
        del os.environ[_TOLD[0]]


def _maven_repository() -> Path:
    return Path(os.environ.get("M2_REPO") or Path.home() / ".m2" / "repository")
