"""The fetcher where its client fails in a way that nobody foresaw."""

from typing import Any

import pytest
from aiokafka import TopicPartition

from processor.lanes.ends import Ends
from processor.lanes.fetcher import Fetcher


class _Faulty:
    """A client that cannot send."""

    def __init__(self) -> None:
        self.cluster = self

    def leader_for_partition(self, _partition: TopicPartition) -> int:
        return 1

    async def send(self, _node: int, _request: Any) -> None:
        raise ZeroDivisionError

    async def close(self) -> None: ...


async def test_who_waits_for_records_hears_of_a_fault_in_fetching_them() -> None:
    fetcher = Fetcher({}, Ends({}))
    fetcher._client = _Faulty()
    feed = fetcher.open(TopicPartition("requests", 0))
    feed.seek(0)
    with pytest.raises(ZeroDivisionError):
        await feed.wait()
    await fetcher.stop()
