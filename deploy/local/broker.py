"""One broker of a local cluster: its settings file, the format of its directory, its command line, its runs."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.errors import BrokerFailed
from deploy.local.archive import Archive
from deploy.local.child import Command, Heard
from deploy.local.java import Java
from deploy.local.ports import LOOPBACK
from deploy.local.service import Service
from deploy.local.wire import brokers_known

_SETTINGS: Final = Path(__file__).with_name("broker.properties")
_FORMAT_SECONDS: Final = 120
_JVM: Final = (
    "-XX:TieredStopAtLevel=1",  # the second compiler costs more than it gives in runs of minutes
    "-XX:+UseSerialGC",
    "-Xms64m",
    "-Xmx384m",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What brokers run on: a Java, verified jars, and the class-data archive of the two."""

    java: Java
    jars: Sequence[Path]
    archive: Archive

    def command(self, *arguments: str, options: Sequence[str] = ()) -> list[str]:
        """Return the command line of a main class of Kafka with its arguments."""
        class_path = ":".join(map(str, self.jars))
        return [str(self.java.path), *options, *_JVM, "-cp", class_path, *arguments]


@dataclass(frozen=True, slots=True)
class More:
    """What a single broker is told beside the usual: further listeners, name and port, and settings that win."""

    listeners: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seat:
    """The place of one broker in its cluster: its id, its ports, its directories."""

    number: int
    port: int
    controller_port: int
    directory: Path
    logs: Path

    @property
    def settings_file(self) -> Path:
        """The settings file of the broker."""
        return self.directory / f"broker-{self.number}.properties"

    @property
    def pid_file(self) -> Path:
        """Where the process id of the broker's last run lies while it may be running."""
        return self.directory / f"broker-{self.number}.pid"

    @property
    def log_file(self) -> Path:
        """Where the broker logs."""
        return self.logs / f"kafka-{self.number}.log"

    @property
    def address(self) -> str:
        """Where clients reach the broker."""
        return f"{LOOPBACK}:{self.port}"

    def write_settings(self, seats: Sequence["Seat"], more: More | None = None) -> None:
        """Write the settings file for a cluster of these seats; ``more`` wins over what is usual."""
        more = more or More()
        others = "".join(f",{name}://{LOOPBACK}:{port}" for name, port in more.listeners.items())
        replicas, in_sync = min(3, len(seats)), min(2, len(seats))
        settings = {
            "node.id": self.number,
            "controller.quorum.voters": ",".join(f"{s.number}@{LOOPBACK}:{s.controller_port}" for s in seats),
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{LOOPBACK}:{self.controller_port}{others}",
            "advertised.listeners": f"PLAINTEXT://{self.address}{others}",
            "log.dirs": self.directory / f"broker-{self.number}",
            "default.replication.factor": replicas,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.replication.factor": replicas,
            "share.coordinator.state.topic.min.isr": in_sync,
            **more.settings,
        }
        own = "".join(f"{name}={value}\n" for name, value in settings.items())
        self.settings_file.write_text(_SETTINGS.read_text(encoding="utf-8") + "\n" + own, encoding="utf-8")

    def format(self, runtime: Runtime, cluster_id: str) -> None:
        """Prepare the broker's directory; one that is prepared already is left alone.

        Raises:
            BrokerFailed: the directory cannot be prepared; carries what Kafka said.
        """
        if (self.directory / f"broker-{self.number}" / "meta.properties").exists():
            return
        tool = ("kafka.tools.StorageTool", "format", "--ignore-formatted", "--cluster-id", cluster_id)
        command = runtime.command(*tool, "--config", str(self.settings_file), options=runtime.archive.options())
        done = subprocess.run(  # noqa: S603 - the project's own command line
            command, capture_output=True, text=True, timeout=_FORMAT_SECONDS, check=False
        )
        if done.returncode != 0:
            raise BrokerFailed(
                f"The data directory of broker {self.number} could not be prepared.",
                log=(done.stdout + done.stderr).splitlines()[-15:],
            )


class Broker(Service):
    """A broker on its seat, through all its runs."""

    def __init__(self, seat: Seat, runtime: Runtime, heard: Heard | None = None) -> None:
        super().__init__(f"kafka-{seat.number}", heard)
        self.seat = seat
        self._runtime = runtime
        self._recorded: Path | None = None

    @property
    def records_archive(self) -> bool:
        """Whether this run writes a class-data archive when it ends in good order, which takes a few seconds."""
        return self._recorded is not None

    def command(self) -> Command:
        """Return the command line; the first broker writes a class-data archive where there is none."""
        archive = self._runtime.archive
        options, self._recorded = archive.options(), None
        if not options and self.seat.number == 1:
            options, self._recorded = archive.recording()
        return Command(
            self._runtime.command("kafka.Kafka", str(self.seat.settings_file), options=options), self.seat.log_file
        )

    def start(self) -> None:
        """Start it, without waiting for it, and note its process for whoever comes after a kill."""
        super().start()
        self.seat.pid_file.write_text(f"{self.pid}\n", encoding="utf-8")

    def knows(self) -> frozenset[int]:
        """Return the ids of the brokers that this one says are serving; none while it does not answer."""
        try:
            return brokers_known(LOOPBACK, self.seat.port)
        except OSError:
            return frozenset()

    def ready(self) -> bool:
        """Return whether it answers and counts itself among the serving brokers."""
        return self.seat.number in self.knows()

    def stop(self, timeout: float) -> None:
        """Stop it, or kill it after ``timeout`` seconds; its class-data archive is kept if it wrote one."""
        super().stop(timeout)
        self.seat.pid_file.unlink(missing_ok=True)
        if self._recorded is not None:
            self._runtime.archive.keep(self._recorded)
            self._recorded = None
