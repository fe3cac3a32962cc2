"""Starts and stops the system as its user does: `terrafusion up` in a directory and on ports of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from deploy.local.ports import free_ports
from schemas.settings import StackRecord
from tests.acceptance.client import Client, fetch
from tests.waiting import came_true

READY_SECONDS: Final = 280.0
STOP_SECONDS: Final = 15.0
_OWN: Final = (
    *("KAFKA_", "GATEWAY_", "PROCESSOR_", "LOCAL_KAFKA", "DATA_DIR", "WORKERS", "TOPIC_PREFIX", "LOG_", "MODEL_STORE"),
    "JOB_STORE",
)
_PROGRAM: Final = Path(sys.executable).with_name("terrafusion")


@dataclass(frozen=True, slots=True)
class Place:
    """A data directory and ports; starting again at the same place finds the same data."""

    directory: Path
    ports: tuple[int, int, int]

    @classmethod
    def fresh(cls, directory: Path) -> "Place":
        """Return a place nobody uses."""
        gateway, processor, kafka = free_ports(3)
        return cls(directory, (gateway, processor, kafka))

    def environment(self, **more: str) -> dict[str, str]:
        """Return this process's environment with the system's own settings replaced."""
        gateway, processor, kafka = map(str, self.ports)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
        own = {
            "DATA_DIR": str(self.directory / "data"),
            "GATEWAY_PORT": gateway,
            "PROCESSOR_PORT": processor,
            "LOCAL_KAFKA_PORT": kafka,
        }
        return kept | own | more


@dataclass(frozen=True, slots=True)
class System:
    """A running system; ``supervisor`` is the process of `terrafusion up`."""

    place: Place
    supervisor: subprocess.Popen[bytes]
    output: Path

    @property
    def record(self) -> StackRecord:
        """What the running stack has written down of itself for the commands."""
        record = StackRecord.read(self.place.directory / "data")
        assert record is not None, f"no stack runs:\n{self.said()}"
        return record

    @property
    def client(self) -> Client:
        """A customer of this system."""
        record = self.record
        return Client(record.gateway_url, tuple(record.processor_urls), record.bootstrap_servers)

    def said(self) -> str:
        """Return the last lines that `terrafusion up` has printed."""
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-40:])

    def pid(self, part: str) -> int:
        """Return the process id of a part: gateway, worker or kafka, the first of them."""
        return next(pid for name, pid in sorted(self.record.pids.items()) if name.startswith(part))

    def processes(self) -> list[psutil.Process]:
        """Return the supervisor and everything that descends from it."""
        supervisor = psutil.Process(self.supervisor.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def ready(self) -> bool:
        """Return whether the gateway and every worker say that they are ready."""
        record = StackRecord.read(self.place.directory / "data")
        return record is not None and all(_ready(url) for url in (record.gateway_url, *record.processor_urls))

    def wait_until_ready(self, seconds: float = READY_SECONDS) -> None:
        """Return when everything is ready; fail when the system ended or takes too long."""
        assert came_true(lambda: self.ready() or self.supervisor.poll() is not None, seconds), self.said()
        assert self.supervisor.poll() is None, self.said()

    def run(self, *arguments: str, seconds: float = 180.0) -> subprocess.CompletedProcess[str]:
        """Run a command of the system beside it."""
        return subprocess.run(
            [_PROGRAM, *arguments],
            env=self.place.environment(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    @contextmanager
    def held(self, part: str) -> Iterator[None]:
        """Stop a part from running, its connections open and silent, for the life of the context."""
        process = psutil.Process(self.pid(part))
        process.suspend()
        try:
            yield
        finally:
            process.resume()

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = STOP_SECONDS) -> float:
        """Ask the system to stop, wait until it has, and return the seconds it took; kill it when it has not."""
        begun = time.monotonic()
        self.supervisor.send_signal(number)
        try:
            self.supervisor.wait(seconds)
        except subprocess.TimeoutExpired:
            for process in self.processes():
                process.kill()
            raise
        return time.monotonic() - begun


def start(place: Place, **more: str) -> System:
    """Start a system without waiting for it."""
    place.directory.mkdir(parents=True, exist_ok=True)
    output = place.directory / "up.log"
    with output.open("ab") as log:
        supervisor = subprocess.Popen(
            [_PROGRAM, "up"],
            env=place.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return System(place, supervisor, output)


@contextmanager
def running(place: Place, **more: str) -> Iterator[System]:
    """Start a system, wait until it is ready, and stop it in the end."""
    system = start(place, **more)
    try:
        system.wait_until_ready()
        yield system
    finally:
        if system.supervisor.poll() is None:
            system.stop()


def still_there(processes: Sequence[psutil.Process]) -> list[str]:
    """Return which of the processes run, after the time they have to go away."""

    def alive() -> list[psutil.Process]:
        return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]

    came_true(lambda: not alive(), 2.0)
    return [str(each) for each in alive()]


def listening(place: Place) -> Mapping[int, bool]:
    """Return which of the place's ports somebody listens on."""
    found = {
        each.laddr.port for each in psutil.net_connections("tcp") if each.laddr and each.status == psutil.CONN_LISTEN
    }
    return {port: port in found for port in place.ports}


def _ready(url: str) -> bool:
    try:
        return fetch("GET", f"{url}/readyz").status == 200
    except OSError:
        return False
