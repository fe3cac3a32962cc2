"""Write `kafka.lock` anew: resolve the two coordinates below and record each jar with its sum.

Run by hand as `python -m deploy.local.relock` when the version of Kafka changes; review the difference before use.
"""

import hashlib
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from jgo.maven import Dependency, MavenContext

from deploy.local.jars import LOCK_FILE, Jar

COORDINATES: Final = (("org.apache.kafka", "kafka_2.13", "4.3.1"), ("org.slf4j", "slf4j-simple", "1.7.36"))
_HEADER: Final = """\
# Every jar a local broker loads, with the SHA-256 sum of its bytes. Written by `python -m deploy.local.relock`.
"""


def resolve(repository: Path) -> list[Jar]:
    """Return the jars that the coordinates need at run time, fetched into ``repository`` for their sums."""
    context = MavenContext(repo_cache=repository, timeout=30)
    roots = [
        context.project(group, artifact).at_version(version).artifact() for group, artifact, version in COORDINATES
    ]
    wanted, needed = context.resolver.resolve([Dependency(root) for root in roots])
    with ThreadPoolExecutor(8) as pool:
        return sorted(pool.map(_jar, [*wanted, *needed]))


def _jar(dependency: Dependency) -> Jar:
    artifact = dependency.artifact
    digest = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
    return Jar(artifact.groupId, artifact.artifactId, artifact.version, digest)


def main() -> None:
    """Resolve and write the lock file."""
    with tempfile.TemporaryDirectory() as scratch:
        jars = resolve(Path(scratch))
    LOCK_FILE.write_text(_HEADER + "".join(f"{jar}\n" for jar in jars), encoding="utf-8")


if __name__ == "__main__":
    main()
