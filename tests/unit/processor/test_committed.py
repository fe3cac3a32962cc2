"""A committed offset is what the coordinator says it is, never what it does not say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka import errors as kafka
from aiokafka.protocol.admin import DescribeGroupsRequest_v0, DescribeGroupsResponse_v1

from processor.errors import TryAgain
from processor.lanes.committed import Committed, Unstable, committed, members
from processor.lanes.failures import translated
from processor.lanes.protocol import OffsetFetchRequestV7, OffsetFetchResponseV7

_PARTITION = TopicPartition("valuation.requests", 3)
_Topics = Sequence[tuple[str, Sequence[tuple[int, int, int, str | None, int, dict[int, bytes]]], dict[int, bytes]]]


@dataclass
class FakeCoordinator:
    """Answers every request with one response."""

    response: Any
    asked: list[Any] = field(default_factory=list)
    lost: int = 0

    async def ensure_coordinator_known(self) -> None:
        pass

    async def _send_req(self, request: Any) -> Any:
        self.asked.append(request)
        return self.response

    def coordinator_dead(self) -> None:
        self.lost += 1


def _answer(topics: _Topics, error: int = 0) -> FakeCoordinator:
    encoded = OffsetFetchResponseV7(0, topics, error, {}).encode()
    return FakeCoordinator(OffsetFetchResponseV7.decode(encoded))


def _said(offset: int, error: int = 0, partition: int = 3, note: str | None = "") -> _Topics:
    return [("valuation.requests", [(partition, offset, -1, note, error, {})], {})]


async def _ask(coordinator: FakeCoordinator, *, stable: bool = True) -> Committed:
    return await committed(coordinator, "workers", _PARTITION, stable=stable)


async def test_a_committed_offset_is_returned_and_none_where_nothing_was_ever_committed() -> None:
    assert await _ask(_answer(_said(17, note="a worker"))) == (17, "a worker")
    assert await _ask(_answer(_said(0, note=None))) == (0, "")
    assert await _ask(_answer(_said(-1))) == (None, "")


@pytest.mark.parametrize("stable", [False, True])
async def test_it_is_asked_for_the_group_and_partition_and_whether_it_must_be_stable(stable: bool) -> None:  # noqa: FBT001 - a parameter
    coordinator = _answer(_said(1))
    await _ask(coordinator, stable=stable)
    sent = coordinator.asked[0].build(OffsetFetchRequestV7)
    assert (sent.group_id, sent.topics, sent.require_stable) == ("workers", [("valuation.requests", [3], {})], stable)


@pytest.mark.parametrize("error", [kafka.GroupLoadInProgressError, kafka.NotCoordinatorForGroupError])
async def test_a_coordinator_that_is_loading_or_has_moved_does_not_say_that_nothing_was_committed(
    error: type[kafka.KafkaError],
) -> None:
    for coordinator in (_answer([], error.errno), _answer(_said(-1), error.errno), _answer(_said(-1, error.errno))):
        with pytest.raises(error) as raised:
            await _ask(coordinator)
        assert isinstance(translated(raised.value), TryAgain)
        assert coordinator.lost == (error is kafka.NotCoordinatorForGroupError)


async def test_while_a_transaction_that_moves_it_is_open_there_is_no_offset() -> None:
    coordinator = _answer(_said(-1, error=88))
    with pytest.raises(Unstable) as raised:
        await _ask(coordinator)
    assert isinstance(translated(raised.value), TryAgain)
    assert coordinator.lost == 0


@pytest.mark.parametrize("topics", [[], _said(9, partition=4), [("another", [(3, 9, -1, "", 0, {})], {})]])
async def test_silence_about_the_partition_is_no_answer(topics: _Topics) -> None:
    with pytest.raises(kafka.GroupCoordinatorNotAvailableError) as raised:
        await _ask(_answer(topics))
    assert isinstance(translated(raised.value), TryAgain)


async def test_members_go_by_their_client_ids() -> None:
    group = (0, "workers", "Stable", "consumer", "sticky", [(f"{name}-1", name, "/::1", b"", b"") for name in "ab"])
    coordinator = FakeCoordinator(DescribeGroupsResponse_v1(0, [group]))
    assert await members(coordinator, "workers") == {"a", "b"}
    assert coordinator.asked[0].build(DescribeGroupsRequest_v0).groups == ["workers"]


async def test_a_coordinator_that_does_not_know_the_members_does_not_say_that_there_are_none() -> None:
    for error in (kafka.GroupLoadInProgressError, kafka.NotCoordinatorForGroupError):
        with pytest.raises(error):
            await members(
                FakeCoordinator(DescribeGroupsResponse_v1(0, [(error.errno, "workers", "", "", "", [])])), "workers"
            )
