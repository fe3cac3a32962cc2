"""How far this gateway's own records reach on each partition, by what Kafka has acknowledged.

Where a partition ends is asked of the broker that leads it. One that has stood still does not know yet that another
leads in its place, and names an end that was right before: what has been acknowledged since lies behind it. So what
this gateway was told itself counts too, else a job that it has just accepted could seem unknown.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from producer.store.base import Place


class Acknowledgement(Protocol):
    """What Kafka says of a batch that all in-sync replicas have (aiokafka's RecordMetadata)."""

    @property
    def offset(self) -> int:
        """The offset of the batch's first record; negative where the batch had been written before."""
        ...


class Acknowledged:
    """The offsets after the last record of this process, by topic and partition."""

    def __init__(self) -> None:
        self._ends: Final[dict[Place, int]] = {}

    def note(self, topic: str, partition: int, answer: Acknowledgement, records: int) -> None:
        """Note that a batch of so many records has been acknowledged."""
        place = topic, partition
        if answer.offset >= 0:
            self._ends[place] = max(self._ends.get(place, 0), answer.offset + records)

    def reach(self, ends: Mapping[Place, int]) -> dict[Place, int]:
        """Return ends that brokers named, none of them before what they have acknowledged."""
        return {place: max(end, self._ends.get(place, 0)) for place, end in ends.items()}

    def forget(self) -> None:
        """Forget everything, because the topics are others now."""
        self._ends.clear()
