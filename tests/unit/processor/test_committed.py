"""A committed offset is what the coordinator says it is, never what it does not say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka import errors as kafka
from aiokafka.protocol.commit import OffsetFetchRequest, OffsetFetchResponse_v1, OffsetFetchResponse_v3

from processor.errors import TryAgain
from processor.lanes.committed import Committed, last_commit
from processor.lanes.failures import translated

_PARTITION = TopicPartition("valuation.requests", 3)
_Topics = Sequence[tuple[str, Sequence[tuple[int, int, str | None, int]]]]


@dataclass
class FakeCoordinator:
    """Answers every OffsetFetch request with one response."""

    response: Any
    asked: list[OffsetFetchRequest] = field(default_factory=list)
    lost: int = 0

    async def ensure_coordinator_known(self) -> None:
        pass

    async def _send_req(self, request: OffsetFetchRequest) -> Any:
        self.asked.append(request)
        return self.response

    def coordinator_dead(self) -> None:
        self.lost += 1


def _answer(topics: _Topics, error: int = 0) -> FakeCoordinator:
    return FakeCoordinator(OffsetFetchResponse_v3(0, topics, error))


def _said(offset: int, error: int = 0, partition: int = 3) -> _Topics:
    return [("valuation.requests", [(partition, offset, "which", error)])]


async def test_what_was_committed_is_returned_and_none_where_nothing_was_ever_committed() -> None:
    assert await last_commit(_answer(_said(17)), "workers", _PARTITION) == Committed(17, "which")
    assert await last_commit(_answer(_said(0)), "workers", _PARTITION) == Committed(0, "which")
    assert await last_commit(_answer(_said(-1)), "workers", _PARTITION) is None
    old = FakeCoordinator(OffsetFetchResponse_v1(_said(5)))
    assert await last_commit(old, "workers", _PARTITION) == Committed(5, "which")
    unmarked = _answer([("valuation.requests", [(3, 5, None, 0)])])
    assert await last_commit(unmarked, "workers", _PARTITION) == Committed(5)


@pytest.mark.parametrize("error", [kafka.GroupLoadInProgressError, kafka.NotCoordinatorForGroupError])
async def test_a_coordinator_that_is_loading_or_has_moved_does_not_say_that_nothing_was_committed(
    error: type[kafka.KafkaError],
) -> None:
    for coordinator in (_answer([], error.errno), _answer(_said(-1), error.errno), _answer(_said(-1, error.errno))):
        with pytest.raises(error) as raised:
            await last_commit(coordinator, "workers", _PARTITION)
        assert isinstance(translated(raised.value), TryAgain)
        assert coordinator.lost == (error is kafka.NotCoordinatorForGroupError)


@pytest.mark.parametrize("topics", [[], _said(9, partition=4), [("another", [(3, 9, "", 0)])]])
async def test_silence_about_the_partition_is_no_answer(topics: _Topics) -> None:
    with pytest.raises(kafka.GroupCoordinatorNotAvailableError) as raised:
        await last_commit(_answer(topics), "workers", _PARTITION)
    assert isinstance(translated(raised.value), TryAgain)
