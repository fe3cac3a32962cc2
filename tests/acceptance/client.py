"""What a customer has in hand: HTTP against the gateway and the workers' metrics, records against the topics."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, Final
from uuid import uuid4

import orjson
from confluent_kafka import KafkaError, Producer
from confluent_kafka import Message as Delivered
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from schemas.topics import topics
from tests.records import Record, committed_records

TOPICS: Final = topics()
FINAL: Final = ("COMPLETED", "FAILED")
_TIMEOUT_SECONDS: Final = 40.0
_LOOK_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; ``seconds`` is how long it took."""

    status: int
    headers: Message
    body: bytes
    seconds: float

    def json(self) -> Any:
        """Return the parsed body."""
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class Position:
    """Where Kafka put a record."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Client:
    """One running system; ``processors`` are the workers' web views."""

    gateway: str
    processors: tuple[str, ...]
    bootstrap: str

    def call(self, method: str, path: str, body: object = None, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a request to the gateway; bytes go as they are, anything else as JSON. Every status is an answer."""
        data = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        sent = {"Content-Type": "application/json"} if data is not None else {}
        return fetch(method, f"{self.gateway}{path}", data, sent | dict(headers or {}))

    def get(self, path: str) -> Answer:
        """Send a GET to the gateway."""
        return self.call("GET", path)

    def run(self, body: object, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Post a valuation request."""
        return self.call("POST", "/api/v1/valuation/run", body, headers=headers)

    def submit(self, property_id: str, county_id: str = "BENTON", **more: object) -> str:
        """Post a valuation request that must be accepted; return its job id."""
        answer = self.run({"property_id": property_id, "county_id": county_id, **more})
        assert answer.status == 202, answer.body
        return str(answer.json()["job_id"])

    def results(self, job_id: str) -> Answer:
        """Ask for a job and its result."""
        return self.get(f"/api/v1/valuation/results/{job_id}")

    def finished(self, job_id: str, seconds: float = 30.0) -> dict[str, Any]:
        """Return a job with its result once it has ended; an accepted job is known all the time."""
        end = time.monotonic() + seconds
        while True:
            answer = self.results(job_id)
            assert answer.status == 200, (answer.status, answer.body)
            job: dict[str, Any] = answer.json()
            if job["status"] in FINAL:
                return job
            assert time.monotonic() < end, f"not ended within {seconds} s: {job}"
            time.sleep(_LOOK_SECONDS)

    def value(self, property_id: str, county_id: str = "BENTON", **more: object) -> dict[str, Any]:
        """Post a valuation request and return the ended job."""
        return self.finished(self.submit(property_id, county_id, **more))

    def metrics(self, worker: int = 0) -> "Metrics":
        """Scrape a worker."""
        return Metrics.of(fetch("GET", f"{self.processors[worker]}/metrics").body.decode())

    def publish(self, *orders: "Order", seconds: float = 30.0) -> list[Position]:
        """Publish records to the requests topic and return where they are."""
        return publish(self.bootstrap, orders, seconds)

    def result_records(self) -> list[Record]:
        """Return every committed record of the results topic."""
        return list(committed_records(self.bootstrap, TOPICS.results.name))

    def results_of(self, *job_ids: str, seconds: float = 30.0) -> list[Record]:
        """Return all result records of these jobs, once each of them has one."""
        end, keys = time.monotonic() + seconds, {job_id.encode() for job_id in job_ids}
        while True:
            found = [record for record in self.result_records() if record.key in keys]
            if {record.key for record in found} == keys:
                return found
            assert time.monotonic() < end, f"{len(found)} of {len(keys)} results within {seconds} s"

    def dead_letter(self, position: Position, seconds: float = 30.0) -> Record:
        """Return the one dead letter of the record at a position of the requests topic."""
        wanted = (str(position.partition).encode(), str(position.offset).encode())
        end = time.monotonic() + seconds
        while True:
            letters = [
                each
                for each in committed_records(self.bootstrap, TOPICS.dead_letters.name)
                if (each.headers["error.partition"], each.headers["error.offset"]) == wanted
            ]
            if letters:
                assert len(letters) == 1
                return letters[0]
            assert time.monotonic() < end, f"no dead letter for {position} within {seconds} s"


@dataclass(frozen=True, slots=True)
class Order:
    """A record for the requests topic; without a partition its key decides."""

    value: bytes | None
    key: bytes | None = None
    headers: Mapping[str, bytes] = field(default_factory=dict)
    partition: int = -1


def publish(
    bootstrap: str, orders: Iterable[Order], seconds: float = 30.0, *, topic: str = TOPICS.requests.name
) -> list[Position]:
    """Publish records with confluent-kafka, idempotently, to the requests topic by default; return where they are."""
    placed: list[Position] = []
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 0})

    def delivered(error: KafkaError | None, message: Delivered) -> None:
        assert error is None, error
        placed.append(Position(message.partition() or 0, message.offset() or 0))

    for order in orders:
        producer.produce(
            topic,
            order.value,
            order.key,
            partition=order.partition,
            headers=list(order.headers.items()),
            on_delivery=delivered,
        )
        producer.poll(0)
    assert producer.flush(seconds) == 0, "not delivered in time"
    return placed


def request_event(property_id: str, county_id: str = "BENTON", **more: object) -> bytes:
    """Return the value of a request record."""
    return orjson.dumps({"property_id": property_id, "county_id": county_id, **more})


def fetch(method: str, url: str, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Send an HTTP request; every status is an answer.

    Raises:
        OSError: there was no answer.
    """
    request = urllib.request.Request(url, data, dict(headers or {}), method=method)  # noqa: S310 - loopback
    begun = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - loopback
            return Answer(answer.status, answer.headers, answer.read(), time.monotonic() - begun)
    except urllib.error.HTTPError as refused:
        with refused:
            return Answer(refused.code, refused.headers, refused.read(), time.monotonic() - begun)


def new_id() -> str:
    """Return a job id that nobody has used."""
    return str(uuid4())


@dataclass(frozen=True, slots=True)
class Metrics:
    """One scrape, parsed by the official parser."""

    families: Mapping[str, Metric]

    @classmethod
    def of(cls, text: str) -> "Metrics":
        """Parse a scrape."""
        return cls({family.name: family for family in text_string_to_metric_families(text)})

    def value(self, sample: str, **labels: str) -> float:
        """Return the sum of the samples of a name that carry these labels, 0 where there is none."""
        return sum(
            each.value
            for family in self.families.values()
            for each in family.samples
            if each.name == sample and labels.items() <= each.labels.items()
        )

    def labels(self, sample: str, label: str) -> set[str]:
        """Return the values that a label has in the samples of a name."""
        return {
            each.labels[label]
            for family in self.families.values()
            for each in family.samples
            if each.name == sample and label in each.labels
        }
