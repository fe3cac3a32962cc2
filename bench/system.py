"""A gateway on a Kafka of its own, for benchmarks from the outside."""

import asyncio
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bench.backlog import create
from bench.watched import Watched
from deploy.local.kafka import LocalKafka
from deploy.local.ports import free_ports
from schemas.topics import topics

HOST = "127.0.0.1"
_LAG = "gateway_view_lag_records "


@contextmanager
def served(*, core: int | None = None, more: Mapping[str, str] | None = None) -> Iterator[tuple[Watched, int]]:
    """Run a broker and a gateway that is ready; yields the gateway's process and port."""
    with tempfile.TemporaryDirectory(prefix="bench-gateway-") as data, LocalKafka() as kafka:
        prefix, port = f"bench-{uuid.uuid4().hex[:8]}.", free_ports(1)[0]
        asyncio.run(create(kafka.bootstrap_servers, topics(prefix)))
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "TOPIC_PREFIX": prefix,
            "DATA_DIR": data,
            "GATEWAY_PORT": str(port),
            "LOG_LEVEL": "WARNING",
            **(more or {}),
        }
        with Watched(["-m", "producer"], environment, core=core) as process:
            await_ready(port, process)
            yield process, port


def view_lag(port: int) -> int:
    """Return how many records the job view is behind."""
    with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=10) as answer:
        lines: list[str] = answer.read().decode().splitlines()
    return int(float(next(line for line in lines if line.startswith(_LAG)).removeprefix(_LAG)))


def await_ready(port: int, process: Watched) -> None:
    """Return once the process answers that it is ready."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        process.cpu_seconds()
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the gateway was not ready within 30 s")


@contextmanager
def beside(first: Watched) -> Iterator[tuple[Watched, int]]:
    """Run a second gateway beside one, on the same topics and with its own data directory."""
    with tempfile.TemporaryDirectory(prefix="bench-gateway-") as data:
        port = free_ports(1)[0]
        environment = {**first.environment, "DATA_DIR": data, "GATEWAY_PORT": str(port)}
        with Watched(["-m", "producer"], environment) as process:
            await_ready(port, process)
            yield process, port
