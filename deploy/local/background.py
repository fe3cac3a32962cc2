"""`kafka start|stop|status`: a local Kafka in the background, kept by a process of its own."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

from deploy.errors import BrokerFailed, DirectoryInUse
from deploy.local.datadir import ClusterFile, running_cluster
from deploy.local.jars import missing, read_lock
from deploy.local.kafka import START_SECONDS, prepare_runtime
from deploy.local.ports import LOOPBACK
from deploy.local.settings import LocalSettings
from deploy.local.stopping import STOP_SECONDS
from deploy.local.view import View
from deploy.local.wire import brokers_known
from schemas.settings import StackRecord

_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class KafkaStatus:
    """Whether the local Kafka runs, which of its brokers serve, and who keeps it."""

    running: bool
    bootstrap_servers: str = ""
    brokers: int = 0
    serving: int = 0
    keeper_pid: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)

    def in_words(self) -> str:
        """Return it as a sentence."""
        if not self.running:
            return "No local Kafka runs."
        state = f"{self.serving} of {self.brokers} broker(s) serve at {self.bootstrap_servers or 'no address yet'}"
        return f"{state}, kept by process {self.keeper_pid}."


def start_kafka(settings: LocalSettings, view: View, brokers: int) -> StackRecord:
    """Start a local Kafka that outlives this process; one that runs already is left alone.

    Raises:
        DeployError: what is missing, or how the broker failed.
    """
    kept = running_cluster(settings.kafka_directory)
    if kept is None:
        jars = read_lock()
        if missing(jars):
            with view.step("Fetching Apache Kafka, once per user") as advance:
                prepare_runtime(advance)
        with view.step("Starting Apache Kafka"):
            _start_keeper(settings, brokers)
    record = StackRecord.read(settings.data_dir)
    if record is None:
        raise BrokerFailed("The local Kafka is being started or stopped by another command; try again.")
    return record


def stop_kafka(settings: LocalSettings) -> bool:
    """Stop the local Kafka, return False when none runs.

    Raises:
        DirectoryInUse: it belongs to a running stack.
        BrokerFailed: it does not stop.
    """
    kept = running_cluster(settings.kafka_directory)
    if kept is None:
        return False
    record = StackRecord.read(settings.data_dir)
    if record is not None and record.processor_urls and record.supervisor_pid == kept.holder:
        raise DirectoryInUse(
            f"This Kafka belongs to the running stack (process {kept.holder}).",
            hint="Stop the stack with Ctrl-C in its terminal.",
        )
    with suppress(ProcessLookupError):
        os.kill(kept.holder, signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS + 1
    while running_cluster(settings.kafka_directory) is not None:
        if time.monotonic() > end:
            raise BrokerFailed(f"The local Kafka (process {kept.holder}) does not stop.", hint="Kill that process.")
        time.sleep(_POLL_SECONDS)
    return True


def kafka_status(settings: LocalSettings) -> KafkaStatus:
    """Ask every broker of the local Kafka whether it serves."""
    kept = running_cluster(settings.kafka_directory)
    if kept is None:
        return KafkaStatus(running=False)
    return KafkaStatus(
        running=True,
        bootstrap_servers=kept.bootstrap_servers,
        brokers=kept.brokers,
        serving=_serving(kept),
        keeper_pid=kept.holder,
    )


def _serving(kept: ClusterFile) -> int:
    count = 0
    for address in filter(None, kept.bootstrap_servers.split(",")):
        with suppress(OSError):
            count += bool(brokers_known(LOOPBACK, int(address.rsplit(":", 1)[1])))
    return count


def _start_keeper(settings: LocalSettings, brokers: int) -> None:
    log_file = settings.logs_directory / "kafka-keeper.log"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "deploy", "kafka", "start", "--foreground", f"--brokers={brokers}", "--json"]
    with log_file.open("wb") as log:
        keeper = subprocess.Popen(  # noqa: S603 - the project's own command line
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    end = time.monotonic() + START_SECONDS
    while not _is_up(settings, keeper.pid):
        if keeper.poll() is not None or time.monotonic() > end:
            keeper.terminate()
            lines = log_file.read_text(encoding="utf-8", errors="replace").splitlines()
            raise BrokerFailed("The local Kafka did not start.", hint=f"Its log is {log_file}.", log=lines[-15:])
        time.sleep(_POLL_SECONDS)


def _is_up(settings: LocalSettings, keeper: int) -> bool:
    record = StackRecord.read(settings.data_dir)
    return record is not None and record.supervisor_pid == keeper
