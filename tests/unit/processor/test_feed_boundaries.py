"""A feed gives out every record of what it was given, wherever the takes happen to end."""

import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from processor.lanes.feed import Feed

_PARTITION = TopicPartition("requests", 0)


def _batch(first: int, count: int) -> bytes:
    """Return a raw record batch; the broker, not its writer, gives a batch its first offset."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 20,
    )
    for offset in range(count):
        builder.append(offset, 1_700_000_000_000, None, b"%d" % (first + offset), [])
    return first.to_bytes(8, "big") + bytes(builder.build())[8:]


def _chunk(sizes: list[int]) -> bytes:
    firsts = [sum(sizes[:index]) for index in range(len(sizes))]
    return b"".join(map(_batch, firsts, sizes))


async def _all(feed: Feed, count: int, limit: int) -> list[bytes | None]:
    """Take as a lane does, waiting before each take."""
    taken: list[bytes | None] = []
    while len(taken) < count:
        async with asyncio.timeout(1):
            await feed.wait()
        taken += [record.value for record in feed.take(limit)]
    return taken


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
async def test_a_take_that_ends_where_a_batch_ends_leaves_the_rest_to_the_next(limit: int) -> None:
    feed = Feed(_PARTITION, lambda: None)
    feed.seek(0)
    feed.accept(0, _chunk([2, 2, 1, 3]), ())
    assert await _all(feed, 8, limit) == [b"%d" % number for number in range(8)]
    assert feed.position == 8


@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=12), limit=st.integers(1, 12))
def test_every_record_comes_once_and_in_order_whatever_the_sizes(sizes: list[int], limit: int) -> None:
    async def run() -> None:
        feed = Feed(_PARTITION, lambda: None)
        feed.seek(0)
        feed.accept(0, _chunk(sizes), ())
        assert await _all(feed, sum(sizes), limit) == [b"%d" % number for number in range(sum(sizes))]

    asyncio.run(run())
