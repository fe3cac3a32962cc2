"""The processes of a run: workers and gateway as their modules, brokers of a local Kafka; the dead start again."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.child import Command
from deploy.local.kafka import LocalKafka
from deploy.local.ports import LOOPBACK, free_ports
from deploy.local.service import Service, WebService
from tests.chaos.history import Ended, Operation
from tests.chaos.plan import SESSION_SECONDS, Part
from tests.waiting import holds

_LOOK_SECONDS: Final = 0.05
_AGAIN_SECONDS: Final = 0.3
_MODULES: Final = {Part.WORKER: ("processor", "PROCESSOR_PORT"), Part.GATEWAY: ("producer", "GATEWAY_PORT")}


def now_ms() -> int:
    """Return milliseconds since 1970-01-01."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Member:
    """A process of the system; ``url`` is where it answers HTTP, empty for a broker."""

    name: str
    part: Part
    service: Service
    url: str = ""

    async def ready(self) -> bool:
        """Return whether it does its work."""
        return await asyncio.to_thread(self.service.ready)


class Fleet:
    """Keeps every member running until it is stopped, as a supervisor does; writes down each end it sees."""

    def __init__(self, members: Sequence[Member], journal: list[Operation]) -> None:
        self.members = tuple(members)
        self._journal = journal

    def of(self, part: Part) -> Sequence[Member]:
        """Return the members of a part, in their order."""
        return [member for member in self.members if member.part is part]

    def start(self) -> None:
        """Start whoever does not run."""
        for member in self.members:
            member.service.start()

    async def supervise(self) -> None:
        """Start again whoever has ended, a moment later, for ever."""
        due: dict[str, float] = {}
        while True:
            for member in self.members:
                code = member.service.exit_code()
                if code is not None and member.name not in due:
                    self._journal.append(Ended(member.name, code, now_ms()))
                    due[member.name] = time.monotonic() + _AGAIN_SECONDS
                elif code is not None and time.monotonic() >= due[member.name]:
                    del due[member.name]
                    member.service.start()
            await asyncio.sleep(_LOOK_SECONDS)

    async def ready(self, seconds: float) -> None:
        """Return when every member is ready.

        Raises:
            TimeoutError: somebody is not; the message has its last log lines.
        """
        for member in self.members:
            if not await holds(member.ready, seconds):
                raise TimeoutError(f"{member.name} is not ready:\n" + "\n".join(member.service.tail(30)))

    def stop(self, seconds: float) -> None:
        """Stop everybody but the brokers, who belong to their cluster; kill who does not end in time."""
        own = [member for member in self.members if member.part is not Part.BROKER]
        end = time.monotonic() + seconds
        for member in own:
            member.service.ask_to_stop()
        for member in own:
            member.service.stop(max(0.1, end - time.monotonic()))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the processes of a run find Kafka and leave their data and logs."""

    bootstrap: str
    directory: Path
    disk: Path | None = None
    """Where the job store lies, when that is a disk of its own."""

    def environment(self, **own: str) -> dict[str, str]:
        """Return the environment of one process: this one's without any setting of the system, and its own."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("KAFKA_", "GATEWAY_"))}
        common = {
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "DATA_DIR": str(self.directory / "data"),
            "LOG_FORMAT": "json",
        }
        store = {} if self.disk is None else {"JOB_STORE_URL": f"sqlite:///{self.disk}/jobs.sqlite"}
        return inherited | common | store | own


def worker(place: Place, number: int, extra: Mapping[str, str] | None = None) -> Member:
    """Return a worker that is not started yet."""
    own = {
        "PROCESSOR_INSTANCE_ID": f"worker-{number}",
        "PROCESSOR_SESSION_TIMEOUT_MS": str(int(SESSION_SECONDS * 1000)),
    }
    return _web(place, f"worker-{number}", Part.WORKER, own | dict(extra or {}))


def gateway(place: Place) -> Member:
    """Return a gateway that is not started yet."""
    return _web(place, "gateway-0", Part.GATEWAY, {})


def brokers(kafka: LocalKafka) -> list[Member]:
    """Return the brokers of a running cluster."""
    return [Member(f"broker-{index}", Part.BROKER, service) for index, service in enumerate(kafka.brokers)]


def _web(place: Place, name: str, part: Part, own: Mapping[str, str]) -> Member:
    module, variable = _MODULES[part]
    port = str(free_ports(1)[0])
    url = f"http://{LOOPBACK}:{port}"
    environment = place.environment(**{variable: port}, **own)
    command = Command((sys.executable, "-m", module), place.directory / "logs" / f"{name}.log", environment)
    return Member(name, part, WebService(name, command, f"{url}/readyz"), url)
