"""Requests of Kafka's protocol that aiokafka 0.14 knows only in older versions, without a group's generation (KIP-447).

Both are there since Apache Kafka 2.5. Fields and versions: https://kafka.apache.org/protocol.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from aiokafka import TopicPartition
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

_NO_LEADER_EPOCH: Final = -1
_STRING: Final = CompactString("utf-8")
V = TypeVar("V")


class Tenure(NamedTuple):
    """In which generation of its group a member holds its partitions: what a commit is checked against."""

    generation: int
    member_id: str
    instance_id: str | None


class TxnOffsetCommitResponseV3(Response):  # type: ignore[misc]
    """Error codes by partition."""

    API_KEY = 28
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "errors",
            CompactArray(
                ("topic", _STRING),
                (
                    "partition_errors",
                    CompactArray(("partition", Int32), ("error_code", Int16), ("tags", TaggedFields)),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class TxnOffsetCommitRequestV3(RequestStruct):  # type: ignore[misc]
    """As it goes over the wire."""

    API_KEY = 28
    API_VERSION = 3
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = TxnOffsetCommitResponseV3
    SCHEMA = Schema(
        ("transactional_id", _STRING),
        ("group_id", _STRING),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("generation_id", Int32),
        ("member_id", _STRING),
        ("group_instance_id", _STRING),
        (
            "topics",
            CompactArray(
                ("topic", _STRING),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("offset", Int64),
                        ("leader_epoch", Int32),
                        ("metadata", _STRING),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class TxnOffsetCommit(Request[TxnOffsetCommitRequestV3]):  # type: ignore[misc]
    """Adds offsets to a transaction, if the group is still in the generation that they were worked out in."""

    API_KEY = 28

    def __init__(
        self,
        transactional_id: str,
        group: str,
        producer: tuple[int, int],
        tenure: Tenure,
        offsets: Mapping[TopicPartition, int],
    ) -> None:
        self._head = transactional_id, group, *producer, *tenure
        self._topics: list[Any] = [
            (topic, [(partition, offset, _NO_LEADER_EPOCH, transactional_id, {}) for partition, offset in some], {})
            for topic, some in by_topic(offsets).items()
        ]

    def build(self, request_struct_class: type[TxnOffsetCommitRequestV3]) -> TxnOffsetCommitRequestV3:
        """Return the request of the version that the broker takes."""
        return request_struct_class(*self._head, self._topics, {})


class OffsetFetchResponseV7(Response):  # type: ignore[misc]
    """Offsets with what was noted beside them, and error codes: by partition, and of the whole."""

    API_KEY = 9
    API_VERSION = 7
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            CompactArray(
                ("topic", _STRING),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("offset", Int64),
                        ("leader_epoch", Int32),
                        ("metadata", _STRING),
                        ("error_code", Int16),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("error_code", Int16),
        ("tags", TaggedFields),
    )


class OffsetFetchRequestV7(RequestStruct):  # type: ignore[misc]
    """As it goes over the wire."""

    API_KEY = 9
    API_VERSION = 7
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = OffsetFetchResponseV7
    SCHEMA = Schema(
        ("group_id", _STRING),
        ("topics", CompactArray(("topic", _STRING), ("partitions", CompactArray(Int32)), ("tags", TaggedFields))),
        ("require_stable", Boolean),
        ("tags", TaggedFields),
    )


class OffsetFetch(Request[OffsetFetchRequestV7]):  # type: ignore[misc]
    """Asks for a group's offset of a partition; ``stable``: not while a transaction that moves it is open."""

    API_KEY = 9

    def __init__(self, group: str, partition: TopicPartition, *, stable: bool) -> None:
        self._fields: tuple[Any, ...] = group, [(partition.topic, [partition.partition], {})], stable, {}

    def build(self, request_struct_class: type[OffsetFetchRequestV7]) -> OffsetFetchRequestV7:
        """Return the request of the version that the broker takes."""
        return request_struct_class(*self._fields)


def by_topic(values: Mapping[TopicPartition, V]) -> Mapping[str, Sequence[tuple[int, V]]]:
    """Return values by topic and partition number, as requests list them."""
    found: dict[str, list[tuple[int, V]]] = {}
    for (topic, partition), value in values.items():
        found.setdefault(topic, []).append((partition, value))
    return found
