"""Real workers as processes of their own, and requests for them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import orjson
from aiokafka import AIOKafkaProducer
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.ports import free_ports
from schemas.topics import Topics
from tests.waiting import until

Sample = tuple[str, frozenset[tuple[str, str]]]


class WorkerProcess:
    """One ``python -m processor``."""

    def __init__(self, bootstrap: str, prefix: str, directory: Path, env: Mapping[str, str]) -> None:
        self.port = free_ports(1)[0]
        self.log = directory / f"worker-{self.port}.log"
        self._env = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "TOPIC_PREFIX": prefix,
            "DATA_DIR": str(directory),
            "PROCESSOR_PORT": str(self.port),
            "PROCESSOR_ENGINE": "constant",
            "PROCESSOR_SESSION_TIMEOUT_MS": "6000",
            **env,
        }
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "processor"], env=self._env, stdout=log, stderr=log)

    def restart(self) -> None:
        """Start again, after the end of the process before."""
        self.process = self._start()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Terminate; return the exit status."""
        self.process.terminate()
        return self.process.wait(15)

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body; status 0 where nobody answers."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return int(answer.status), answer.read()
        except HTTPError as error:
            return error.code, error.read()
        except (URLError, OSError):
            return 0, b""

    def metrics(self) -> dict[Sample, float]:
        """Return every sample, by name and labels; nothing where nobody answers."""
        status, body = self.get("/metrics")
        if status != 200:
            return {}
        families = text_string_to_metric_families(body.decode())
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that carry the labels."""
        wanted = frozenset(labels.items())
        return sum(value for (found, has), value in self.metrics().items() if found == name and wanted <= has)

    def reasons(self, path: str = "/readyz") -> list[str]:
        """Return what keeps the worker from being ready."""
        status, body = self.get(path)
        return list(orjson.loads(body)["reasons"]) if status else ["no answer"]

    def wait_ready(self) -> None:
        until(lambda: self.get("/readyz")[0] == 200, 40)


@contextmanager
def worker(bootstrap: str, topics: Topics, directory: Path, **env: str) -> Iterator[WorkerProcess]:
    """Run a worker; what is left of it at the end is killed."""
    prefix = topics.requests.name.removesuffix("valuation.requests")
    running = WorkerProcess(bootstrap, prefix, directory, env)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


async def publish(
    bootstrap: str,
    topics: Topics,
    requests: Iterable[tuple[bytes | None, bytes | None]],
    *,
    partitions: int = 12,
    headers: Iterable[tuple[str, bytes]] = (),
) -> None:
    """Publish requests to the partitions in turn."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, max_request_size=1_100_000)
    await producer.start()
    try:
        while len(await producer.partitions_for(topics.requests.name)) < partitions:
            await producer.client.force_metadata_update()
        for at, (key, value) in enumerate(requests):
            await producer.send(topics.requests.name, value, key, partition=at % partitions, headers=list(headers))
        await producer.flush()
    finally:
        await producer.stop()


class Follower:
    """Reads a topic as it grows, as any `read_committed` client would."""

    def __init__(self, bootstrap: str, topic: str, partitions: int = 12) -> None:
        self.records: list[Message] = []
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "follower",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 50,
                "log_level": 0,
            }
        )
        self._consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(partitions)])

    def read(self) -> int:
        """Read what has come, for two seconds where more comes all the time; return how many there are in all."""
        end = time.monotonic() + 2.0
        while found := [message for message in self._consumer.consume(5_000, 0.1) if message.error() is None]:
            self.records += found
            if time.monotonic() > end:
                break
        return len(self.records)

    def close(self) -> None:
        self._consumer.close()


@contextmanager
def following(bootstrap: str, topic: str) -> Iterator[Follower]:
    """Follow a topic from its beginning."""
    follower = Follower(bootstrap, topic)
    try:
        yield follower
    finally:
        follower.close()
