"""The topics as the view reads them; ``KafkaLog`` is the real one, tests read from memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from producer.store.base import Place


class Record(Protocol):
    """One record, as aiokafka hands it out."""

    @property
    def topic(self) -> str:
        """Name of its topic."""

    @property
    def partition(self) -> int:
        """Number of its partition."""

    @property
    def offset(self) -> int:
        """Place in its partition."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970-01-01."""

    @property
    def key(self) -> bytes | None:
        """Key, None where it has none."""

    @property
    def value(self) -> bytes | None:
        """Value, None for a tombstone."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Headers, in order."""


@dataclass(frozen=True, slots=True)
class Polled:
    """Committed records in order within each partition, and the positions after them (of the partitions that moved)."""

    records: Sequence[Sequence[Record]]
    positions: Mapping[Place, int]


@dataclass(frozen=True, slots=True)
class Opened:
    """Where reading begins, partition by partition, and where the partitions ended then."""

    cluster_id: str
    positions: Mapping[Place, int]
    ends: Mapping[Place, int]


class Log(Protocol):
    """The requests and results topics of one cluster, committed records only."""

    async def open(self, positions: Mapping[Place, int], cluster_id: str | None) -> Opened:
        """Connect, and begin to read after ``positions``; partitions without one are read from their first record.

        A position that retention has overtaken moves to the first record that is left.

        Raises:
            ForeignLog: the cluster is another than ``cluster_id``, or a position lies beyond its partition's end.
            LogUnavailable: Kafka cannot be reached, or a topic is missing.
        """

    async def close(self) -> None:
        """Disconnect; never raises."""

    async def poll(self, wait_s: float) -> Polled:
        """Return what has arrived, waiting for up to ``wait_s`` for something.

        Raises:
            LogUnavailable: reading has to begin anew with ``open`` (also where a topic has got more partitions).
        """

    async def rest(self, seconds: float) -> None:
        """Leave the topics alone for a while, so that the next poll brings more at once."""

    async def ends(self, topics: Sequence[str]) -> Mapping[Place, int]:
        """Return the ends of all partitions that these topics have now, asked of the brokers after this was called.

        Raises:
            LogUnavailable: not all of them answered.
        """

    def lag(self) -> int:
        """Return how many offsets the brokers held beyond what was polled, when they last answered."""

    def silent(self) -> bool:
        """Whether a broker has left the polling unanswered for seconds."""

    def between(self, first: Mapping[Place, int], last: Mapping[Place, int]) -> "Replay":
        """Read once more what lies between two sets of positions, beside the polling."""


class Replay(Protocol):
    """Records that were polled before, read once more."""

    @property
    def done(self) -> bool:
        """Whether everything has been read."""

    async def open(self) -> None:
        """Connect.

        Raises:
            LogUnavailable: Kafka cannot be reached.
        """

    async def close(self) -> None:
        """Disconnect; never raises."""

    async def read(self) -> Polled:
        """Return further records.

        Raises:
            LogUnavailable: Kafka cannot be reached.
        """
