"""A real PostgreSQL for the tests: one server for the session, on loopback, gone at the end."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.waiting import until

_DEBIAN: Final = Path("/usr/lib/postgresql")
_MISSING: Final = "PostgreSQL's server is not installed: `apt-get install postgresql` lets this run"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a real PostgreSQL; skips where there is no server to start."""
    programs = _programs()
    if programs is None:
        pytest.skip(_MISSING)
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    account = _account(directory)
    data = directory / "data"
    make = [str(programs / "initdb"), "-D", str(data), "-U", "test", "--auth=trust", "-N", "-E", "UTF8", "--locale=C"]
    try:
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, user=account, cwd=directory)
        port = _free_port()
        options = ["-h", "127.0.0.1", "-p", str(port), "-c", "fsync=off", "-c", f"unix_socket_directories={directory}"]
        with (directory / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *options], stdout=log, stderr=log, user=account, cwd=directory
            )
        try:
            ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
            until(lambda: subprocess.run(ready, check=False).returncode == 0, 60)
            yield f"postgresql://test@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _programs() -> Path | None:
    found = shutil.which("initdb")
    candidates = [Path(found).resolve().parent] if found else []
    candidates += sorted(_DEBIAN.glob("*/bin"), reverse=True)
    return next((place for place in candidates if (place / "initdb").exists() and (place / "postgres").exists()), None)


def _account(directory: Path) -> str | None:
    """Return the account the server runs as: it refuses root's."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(directory, account.pw_uid, account.pw_gid)
        return name
    pytest.skip("PostgreSQL does not run as root, and there is no other account")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
