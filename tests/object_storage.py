"""Real object storage for the tests: a server process of its own that speaks S3, on loopback, gone at the end.

versitygw where it is installed, else rclone's server, whose wheel is one of the packages for development.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from deploy.local.ports import free_ports
from tests.waiting import until

BUCKET: Final = "models"
_KEY: Final = "test-access-key"
SECRET: Final = "test-secret-key-that-no-log-may-show"
_PLACES: Final = (Path(__file__).parents[1] / ".local" / "bin", Path(sys.executable).parent)
_STOP_SECONDS: Final = 10.0


@dataclass(slots=True)
class ObjectStorage:
    """A server and its one bucket; it may be stopped and started again, what it holds stays."""

    directory: Path
    port: int
    _process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs to use it as its model store."""
        return {
            "MODEL_STORE_URL": f"s3://{BUCKET}/county/models",
            "MODEL_STORE_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }

    def start(self) -> None:
        """Start the server; skips where there is none. Returns when it listens."""
        (self.directory / BUCKET).mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"RCLONE_CONFIG": os.devnull}
        with (self.directory.parent / "object-storage.log").open("ab") as log:
            self._process = subprocess.Popen(self._command(), stdout=log, stderr=log, env=environment)
        until(self._listens, 20)

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _command(self) -> Sequence[str | Path]:
        address = f"127.0.0.1:{self.port}"
        if gateway := _program("versitygw"):
            side = self.directory.parent / "object-storage-meta"
            side.mkdir(exist_ok=True)
            own = ["--access", _KEY, "--secret", SECRET, "--region", "us-east-1", "--port", address, "--quiet"]
            return [gateway, *own, "posix", "--sidecar", side, self.directory]
        if rclone := _program("rclone"):
            own = ["--addr", address, "--auth-key", f"{_KEY},{SECRET}"]
            return [rclone, "serve", "s3", *own, self.directory]
        pytest.skip("no server of object storage is installed: `make test` brings rclone's, versitygw works too")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([*map(str, _PLACES), os.environ.get("PATH", "")]))


@pytest.fixture
def object_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStorage]:
    """A running server, and the environment of whoever uses it."""
    [port] = free_ports(1)
    storage = ObjectStorage(tmp_path / "storage", port)
    for name, value in storage.environment.items():
        monkeypatch.setenv(name, value)
    storage.start()
    try:
        yield storage
    finally:
        storage.stop()
