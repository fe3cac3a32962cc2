"""Paging through dead letters, the newest first."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from producer.deadletters.letter import Position
from producer.deadletters.reading import Extent, Reader
from producer.deadletters.tail import newest


@dataclass(frozen=True, slots=True)
class Row:
    """As much of a consumer's record as is read."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None = None
    value: bytes | None = b"x"
    headers: tuple[tuple[str, bytes], ...] = ()


class FakeReader:
    """Partitions with gaps where transactions ended, and beginnings that retention has moved."""

    def __init__(self, rows: Mapping[int, list[Row]], extents: Mapping[int, Extent]) -> None:
        self._rows = rows
        self.extents = extents

    async def records(self, spans: Mapping[int, Extent]) -> AsyncIterator[Row]:
        for partition, span in spans.items():
            assert span.first < span.end
            for row in self._rows[partition]:
                if span.first <= row.offset < span.end:
                    yield row


@given(
    st.dictionaries(st.integers(0, 4), st.lists(st.tuples(st.integers(1, 90), st.integers(0, 50)), max_size=30)),
    st.integers(1, 12),
)
async def test_pages_show_every_letter_once_and_the_newest_first(
    made: dict[int, list[tuple[int, int]]], limit: int
) -> None:
    rows: dict[int, list[Row]] = {}
    for partition, steps in made.items():
        offset = timestamp = 1_000
        rows[partition] = []
        for gap, later in steps:
            offset, timestamp = offset + gap, timestamp + later
            rows[partition].append(Row("t", partition, offset, timestamp))
    extents = {at: Extent(500, found[-1].offset + 3 if found else 500) for at, found in rows.items()}
    reader = cast("Reader", FakeReader(rows, extents))
    everything = [(row.timestamp, Position(row.partition, row.offset)) for found in rows.values() for row in found]
    seen: list[tuple[int, Position]] = []
    ends: dict[int, int] | None = None
    while True:
        page, ends = await newest(reader, limit, ends)
        assert len(page) <= limit
        seen += [(letter.timestamp_ms, letter.position) for letter in page]
        assert len(seen) <= len(everything), "a letter is shown twice"
        if ends is None:
            break
        assert len(page) == limit
    assert seen == sorted(everything, reverse=True)
