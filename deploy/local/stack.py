"""The whole system on this machine, from nothing to a running stack and back: what `make run` runs."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from deploy.local.applying import bring_topics_up
from deploy.local.datadir import ClusterFile, running_cluster
from deploy.local.important import from_kafka
from deploy.local.jars import missing, read_lock
from deploy.local.kafka import LocalKafka, Plan, prepare_runtime
from deploy.local.processes import Processes, Programs, only_stack, refuse_taken_ports
from deploy.local.service import Service
from deploy.local.settings import LocalSettings
from deploy.local.stopping import StopRequested, StopSignals
from deploy.local.supervisor import Stage, Supervisor, wait_until_ready
from deploy.local.topics import refuse_differences, wake_coordinators
from deploy.local.view import View
from schemas.settings import KafkaSettings, StackRecord

READY_SECONDS: Final = 120.0
_GATEWAY_UNTIL: Final = 3.0
_WORKERS_UNTIL: Final = 10.0
_KAFKA_UNTIL: Final = 14.0

Fill = Callable[[KafkaSettings, LocalSettings, View], None]
Ready = Callable[[StackRecord], None]


@dataclass(slots=True)
class _Running:
    """What has been started so far."""

    gateway: list[Service] = field(default_factory=list)
    workers: list[Service] = field(default_factory=list)
    cluster: LocalKafka | None = None
    bootstrap: str = ""

    def stages(self) -> list[Stage]:
        """Return what runs in the order in which it is stopped."""
        brokers: Sequence[Service] = () if self.cluster is None else self.cluster.brokers
        return [
            Stage(self.gateway, _GATEWAY_UNTIL),
            Stage(self.workers, _WORKERS_UNTIL),
            Stage(brokers, _KAFKA_UNTIL),
        ]

    def services(self) -> list[Service]:
        """Return all that runs."""
        return [service for stage in self.stages() for service in stage.services]

    def kill(self) -> None:
        """Kill all of it at once."""
        for service in self.services():
            service.kill()


class Stack:
    """One run in the foreground, from the main thread."""

    def __init__(self, settings: LocalSettings, kafka: KafkaSettings, view: View, *, brokers: int = 1) -> None:
        self._settings = settings
        self._kafka = kafka
        self._view = view
        self._brokers = brokers
        self._running = _Running()
        self._stopping = False

    def run(self, programs: Programs, fill: Fill, ready: Ready) -> None:
        """Bring Kafka, topics, workers and gateway up and keep them running until a signal asks to stop.

        ``fill`` puts onto a new cluster what it needs to be of use; ``ready`` is called once everything answers.
        Whatever happens, no process is left behind.

        Raises:
            DeployError: what is missing, taken or failed.
        """

        def bring_up() -> None:
            refuse_taken_ports(self._settings)
            kafka = self._kafka_up()
            self._apply_topics(kafka)
            self._start_processes(programs, kafka)
            fill(kafka, self._settings, self._view)  # while they start
            self._await_processes()

        with only_stack(self._settings.data_dir):
            self._run(bring_up, ready)

    def run_kafka(self, ready: Ready) -> None:
        """Bring the local Kafka and its topics up, without workers or gateway, and keep it running as `run` does."""
        self._run(lambda: self._apply_topics(self._start_kafka()), ready)

    def _run(self, bring_up: Callable[[], None], ready: Ready) -> None:
        with StopSignals(self._running.kill):
            try:
                bring_up()
                ready(self._record())
                Supervisor(self._running.stages(), self._view).run(self._record)
            except StopRequested:
                self._stopping = True
                self._view.say("Stopping. Ask again to kill everything at once.")
            finally:
                self._stop()
        self._view.say("Stopped.")

    def _show(self, line: str) -> None:
        """Show a line of a child's log, but not what it says to being stopped."""
        if not self._stopping:
            self._view.warn(line)

    def _stop(self) -> None:
        Supervisor(self._running.stages(), self._view).stop()
        if self._running.cluster is not None:
            self._running.cluster.stop(0)
        self._forget()

    def _kafka_up(self) -> KafkaSettings:
        """Return how to reach the cluster to use: the given one, one that runs on our data, else a new one."""
        if self._kafka.bootstrap_servers is not None:
            self._view.say(f"Using the Kafka at {self._kafka.bootstrap_servers} (KAFKA_BOOTSTRAP_SERVERS).")
            return self._at(self._kafka.bootstrap_servers)
        kept = running_cluster(self._settings.kafka_directory)
        if kept is not None and kept.bootstrap_servers:
            self._view.say(f"Using the local Kafka that runs already, at {kept.bootstrap_servers}.")
            return self._at(kept.bootstrap_servers)
        return self._start_kafka()

    def _at(self, bootstrap_servers: str) -> KafkaSettings:
        self._running.bootstrap = bootstrap_servers
        return self._kafka.model_copy(update={"bootstrap_servers": bootstrap_servers})

    def _start_kafka(self) -> KafkaSettings:
        settings = self._settings
        jars = read_lock()
        if missing(jars):
            with self._view.step("Fetching Apache Kafka, once per user") as advance:
                prepare_runtime(advance)
        plan = Plan(self._brokers, settings.kafka_directory, settings.local_kafka_port, settings.logs_directory)
        self._running.cluster = cluster = LocalKafka(plan, heard=from_kafka(self._show))
        with self._view.step("Starting Apache Kafka"):
            cluster.start()
            asyncio.run(wake_coordinators({"bootstrap_servers": cluster.bootstrap_servers}))
        if (port := cluster.brokers[0].seat.port) != settings.local_kafka_port:
            self._view.warn(f"Port {settings.local_kafka_port} is taken; Kafka listens on {port}.")
        return self._at(cluster.bootstrap_servers)

    def _apply_topics(self, kafka: KafkaSettings) -> None:
        with self._view.step("Applying the topics"):
            refuse_differences(bring_topics_up(self._settings, kafka))

    def _start_processes(self, programs: Programs, kafka: KafkaSettings) -> None:
        running = self._running
        processes = Processes(programs, self._settings, kafka, self._show)
        running.workers, running.gateway = processes.workers(), [processes.gateway()]
        for service in (*running.workers, *running.gateway):
            service.start()

    def _await_processes(self) -> None:
        running = self._running
        with self._view.step(f"Waiting for gateway and {len(running.workers)} worker(s)") as advance:
            wait_until_ready([*running.workers, *running.gateway], READY_SECONDS, advance)

    def _record(self) -> StackRecord:
        """Write where everything listens for the commands, and return it."""
        settings = self._settings
        record = StackRecord(
            bootstrap_servers=self._running.bootstrap,
            gateway_url=settings.gateway_url,
            processor_urls=[settings.processor_url(worker) for worker in range(len(self._running.workers))],
            supervisor_pid=os.getpid(),
            pids={service.name: service.pid for service in self._running.services()},
        )
        record.write(settings.data_dir)
        return record

    def _forget(self) -> None:
        """Leave the record to the Kafka that still runs on our data, if one does, else remove it."""
        kept = running_cluster(self._settings.kafka_directory)
        if kept is None:
            StackRecord.remove(self._settings.data_dir)
        else:
            kafka_record(self._settings, kept).write(self._settings.data_dir)


def kafka_record(settings: LocalSettings, cluster: ClusterFile) -> StackRecord:
    """Return the record of a local Kafka that runs without workers or gateway."""
    return StackRecord(
        bootstrap_servers=cluster.bootstrap_servers, gateway_url=settings.gateway_url, supervisor_pid=cluster.holder
    )
