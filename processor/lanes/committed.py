"""Asks a group's coordinator what has been committed, and takes nothing but an answer for one.

aiokafka 0.14 overlooks the error that an OffsetFetch response carries as a whole: a coordinator that has just moved, or
is loading what it knows, then seems to say that nothing was ever committed, and a partition would be worked again from
its first record. Nor does it ask for offsets that are stable: while a transaction that moves one is open, the old one
would be given, and requests be valued twice once the transaction commits.
"""

from typing import Any, Final, NamedTuple, Protocol

from aiokafka import TopicPartition
from aiokafka import errors as kafka
from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.api import Request

from processor.lanes.protocol import OffsetFetch

_NONE: Final = -1
_UNSTABLE: Final = 88
_ELSEWHERE: Final = (kafka.NotCoordinatorForGroupError, kafka.GroupCoordinatorNotAvailableError)


class Coordinator(Protocol):
    """What is needed of aiokafka's group coordinator."""

    async def ensure_coordinator_known(self) -> None:
        """Return once it is known who coordinates the group."""

    async def _send_req(self, request: Request[Any]) -> Any:
        """Ask the coordinator."""

    def coordinator_dead(self) -> None:
        """Have the coordinator looked up anew."""


class Committed(NamedTuple):
    """What a group has committed for a partition."""

    offset: int | None
    """None where it never has."""
    note: str
    """What was noted beside it."""


class Unstable(kafka.KafkaError):  # type: ignore[misc]
    """A transaction that moves the offset is still open."""

    retriable = True


async def committed(coordinator: Coordinator, group: str, partition: TopicPartition, *, stable: bool) -> Committed:
    """Return what a group has committed for a partition.

    Raises:
        Unstable: a stable offset was asked for, and a transaction that moves it is still open.
        KafkaError: the coordinator cannot say; asking again is right where the error is retriable.
    """
    await coordinator.ensure_coordinator_known()
    response = await coordinator._send_req(OffsetFetch(group, partition, stable=stable))  # noqa: SLF001 - the public way is the one that overlooks errors
    _check(coordinator, response.error_code)
    for topic, parts, _ in response.topics:
        for number, offset, _, note, code, _ in parts:
            if (topic, number) == tuple(partition):
                _check(coordinator, code)
                return Committed(None if offset == _NONE else int(offset), note or "")
    raise kafka.GroupCoordinatorNotAvailableError(f"no word of {partition}")


async def members(coordinator: Coordinator, group: str) -> frozenset[str]:
    """Return the client ids of a group's members.

    Raises:
        KafkaError: the coordinator cannot say.
    """
    await coordinator.ensure_coordinator_known()
    response = await coordinator._send_req(DescribeGroupsRequest([group]))  # noqa: SLF001 - there is no public way
    (code, *_, found), *_ = (described[:6] for described in response.groups)
    _check(coordinator, code)
    return frozenset(client_id for _, client_id, *_ in found)


def _check(coordinator: Coordinator, code: int) -> None:
    if code == _UNSTABLE:
        raise Unstable("a transaction is still open")
    error = kafka.for_code(code)
    if error is kafka.NoError:
        return
    if issubclass(error, _ELSEWHERE):
        coordinator.coordinator_dead()
    raise error("the committed offset is not to be had")
