"""Asks a group's coordinator for what was committed last, and takes nothing but an answer for one.

aiokafka 0.14 overlooks the error that an OffsetFetch response carries as a whole: a coordinator that has just moved, or
is loading what it knows, then seems to say that nothing was ever committed, and a partition would be worked again from
its first record.
"""

from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiokafka import TopicPartition
from aiokafka import errors as kafka
from aiokafka.protocol.commit import OffsetFetchRequest

_NONE: Final = -1
_ELSEWHERE: Final = (kafka.NotCoordinatorForGroupError, kafka.GroupCoordinatorNotAvailableError)


@dataclass(frozen=True, slots=True)
class Committed:
    """What a partition's last transaction has left with the group."""

    offset: int
    mark: str = ""
    """Which transaction it was; empty where people have set the offset."""


class Coordinator(Protocol):
    """What is needed of aiokafka's group coordinator."""

    async def ensure_coordinator_known(self) -> None:
        """Return once it is known who coordinates the group."""

    async def _send_req(self, request: OffsetFetchRequest) -> Any:
        """Ask the coordinator."""

    def coordinator_dead(self) -> None:
        """Have the coordinator looked up anew."""


async def last_commit(coordinator: Coordinator, group: str, partition: TopicPartition) -> Committed | None:
    """Return what a group has committed for a partition, None where it never has.

    Raises:
        KafkaError: the coordinator cannot say; asking again is right where the error is retriable.
    """
    await coordinator.ensure_coordinator_known()
    request = OffsetFetchRequest(group, [(partition.topic, [partition.partition])])
    response = await coordinator._send_req(request)  # noqa: SLF001 - the public way is the one that overlooks errors
    _check(coordinator, getattr(response, "error_code", 0))
    for topic, parts in response.topics:
        for number, offset, mark, code in parts:
            if (topic, number) == tuple(partition):
                _check(coordinator, code)
                return None if offset == _NONE else Committed(int(offset), mark or "")
    raise kafka.GroupCoordinatorNotAvailableError(f"no word of {partition}")


def _check(coordinator: Coordinator, code: int) -> None:
    error = kafka.for_code(code)
    if error is kafka.NoError:
        return
    if issubclass(error, _ELSEWHERE):
        coordinator.coordinator_dead()
    raise error("the committed offset is not to be had")
