"""Workers and gateway as the stack starts them: command lines, environment, ports, and one stack per data directory."""

import hashlib
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.errors import DirectoryInUse, PortTaken
from deploy.local.cache import held_by_another, take
from deploy.local.child import Command
from deploy.local.important import from_stack
from deploy.local.ports import is_free, owner
from deploy.local.service import Service, WebService
from deploy.local.settings import LocalSettings
from schemas.settings import KafkaSettings, StackRecord

_LOCK_FILE: Final = "stack.lock"

Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Programs:
    """The command lines of the gateway and of a worker."""

    gateway: Sequence[str] = field(default=(sys.executable, "-m", "producer"))
    worker: Sequence[str] = field(default=(sys.executable, "-m", "processor"))


@dataclass(frozen=True, slots=True)
class Processes:
    """Makes the services of one stack; ``show`` gets the lines of their logs that matter."""

    programs: Programs
    settings: LocalSettings
    kafka: KafkaSettings
    show: Show

    def gateway(self) -> Service:
        """Return the gateway, not started."""
        return self._service("gateway", self.programs.gateway, self.settings.gateway_url)

    def workers(self) -> list[Service]:
        """Return the workers, not started."""
        numbers = range(self.settings.workers)
        return [self._service(f"worker-{n}", self.programs.worker, self.settings.processor_url(n), n) for n in numbers]

    def _service(self, name: str, program: Sequence[str], url: str, worker: int = 0) -> Service:
        command = Command(program, self.settings.logs_directory / f"{name}.log", self._environment(worker))
        return WebService(name, command, f"{url}/readyz", from_stack(name, self.show))

    def _identity(self) -> str:
        """Return a name that this stack keeps between runs and no other stack on the same cluster has."""
        place = f"{socket.gethostname()}:{self.settings.data_dir.resolve()}"
        return hashlib.sha256(place.encode()).hexdigest()[:12]

    def _environment(self, worker: int) -> dict[str, str]:
        settings = self.settings
        return {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers or "",
            "DATA_DIR": str(settings.data_dir.resolve()),
            "GATEWAY_HOST": settings.gateway_host,
            "GATEWAY_PORT": str(settings.gateway_port),
            "PROCESSOR_HOST": settings.processor_host,
            "PROCESSOR_PORT": str(settings.processor_port + worker),
            "PROCESSOR_INSTANCE_ID": f"{self._identity()}-{worker}",
            "PYTHONUNBUFFERED": "1",
        }


def refuse_taken_ports(settings: LocalSettings) -> None:
    """Raise `PortTaken` when the gateway or a worker could not listen."""
    wanted = {settings.gateway_port: ("GATEWAY_PORT", settings.gateway_host)}
    for number in range(settings.workers):
        port = settings.processor_port + number
        if port in wanted:
            raise PortTaken(
                f"GATEWAY_PORT and worker {number} both want port {port}.", hint="Set GATEWAY_PORT to another."
            )
        wanted[port] = ("PROCESSOR_PORT", settings.processor_host)
    for port, (variable, host) in wanted.items():
        if not is_free(port, host):
            raise PortTaken(
                f"Port {port} is taken by {owner(port)}.",
                hint=f"End it, or choose another port: {variable}={port + 1000} make run",
            )


@contextmanager
def only_stack(data_dir: Path) -> Iterator[None]:
    """Hold the data directory for one stack.

    Raises:
        DirectoryInUse: another stack runs on it.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / _LOCK_FILE).open("a") as lock:
        if not take(lock):
            raise _already_running(data_dir)
        yield


def stack_runs(data_dir: Path) -> bool:
    """Return whether a stack runs on the data directory."""
    return held_by_another(data_dir / _LOCK_FILE)


def _already_running(data_dir: Path) -> DirectoryInUse:
    record = StackRecord.read(data_dir)
    where = "" if record is None else f" (process {record.supervisor_pid}, gateway {record.gateway_url})"
    return DirectoryInUse(
        f"A stack is running on {data_dir} already{where}.",
        hint="Use it, stop it with Ctrl-C in its terminal, or set DATA_DIR and the ports for another.",
    )
