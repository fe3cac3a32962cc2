"""Raw chunks are read as a `read_committed` consumer must, whoever wrote them."""

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from processor.lanes.chunk import next_offset, read_committed
from processor.lanes.feed import Feed
from processor.lanes.foreign import foreign_records
from processor.wire import Headers
from tests.fakes import raw_chunk

_ABORT, _COMMIT = b"\x00\x00\x00\x00", b"\x00\x00\x00\x01"


def _batch(base: int, *values: bytes, producer: int = 7, transactional: bool = True) -> bytes:
    return raw_chunk([(None, value) for value in values], base, producer_id=producer, transactional=transactional)


def _sealed(raw: bytearray) -> bytes:
    raw[17:21] = calc_crc32c(bytes(raw[21:])).to_bytes(4, "big")
    return bytes(raw)


def _marker(base: int, kind: bytes, producer: int = 7) -> bytes:
    raw = bytearray(raw_chunk([(kind, b"\x00" * 6)], base, producer_id=producer, transactional=True))
    raw[22] |= 0x20  # the control bit, which only brokers set
    return _sealed(raw)


def _values(raw: bytes, aborted: list[tuple[int, int]], start: int = 0) -> list[bytes | None]:
    return [record.value for _, records in read_committed(raw, aborted, start) for record in records]


def test_records_of_aborted_transactions_are_left_out() -> None:
    raw = _batch(0, b"a", b"b") + _marker(2, _ABORT) + _batch(3, b"c") + _marker(4, _COMMIT) + _batch(5, b"d")
    assert _values(raw, [(7, 0)]) == [b"c", b"d"]
    assert [after for after, _ in read_committed(raw, [(7, 0)], 0)] == [2, 3, 4, 5, 6]
    assert next_offset(raw, 0) == 6


def test_an_aborted_transaction_hides_its_own_producers_records_only() -> None:
    raw = _batch(0, b"a") + _batch(1, b"b", producer=8) + _batch(2, b"c", transactional=False) + _marker(3, _ABORT)
    assert _values(raw, [(7, 0)]) == [b"b", b"c"]


def test_a_fetch_from_inside_a_batch_gives_what_is_left_of_it() -> None:
    assert _values(_batch(10, b"a", b"b", b"c"), [], start=11) == [b"b", b"c"]


@given(cut=st.integers(0, 400))
def test_a_batch_that_was_cut_off_is_left_for_the_next_fetch(cut: int) -> None:
    whole = _batch(0, b"a" * 50, b"b" * 50)
    second = _batch(2, b"c" * 50)
    raw = (whole + second)[: len(whole) + cut]
    if len(raw) < len(whole) + len(second):
        assert _values(raw, []) == [b"a" * 50, b"b" * 50]
        assert next_offset(raw, 0) == 2
    assert next_offset(whole[:cut][: len(whole) - 1], 5) == 5


def test_a_damaged_batch_is_refused() -> None:
    raw = bytearray(_batch(0, b"a", b"b"))
    raw[-3] ^= 1
    with pytest.raises(CorruptRecordException):
        _values(bytes(raw), [])


@pytest.mark.parametrize("length", [-(2**31), -13, -12, -1, 0, 4, 48])
async def test_a_batch_that_is_smaller_than_any_can_be_is_refused_and_not_read_for_ever(length: int) -> None:
    good = _batch(0, b"a")
    raw = good + good[:8] + length.to_bytes(4, "big", signed=True) + good[12:]
    with pytest.raises(CorruptRecordException):
        next_offset(raw, 0)
    with pytest.raises(CorruptRecordException):
        _values(raw, [])
    feed = Feed(TopicPartition("requests", 3), lambda: None)
    feed.seek(0)
    feed.accept(0, raw, ())
    assert feed.wanted is None
    with pytest.raises(CorruptRecordException):
        await feed.wait()


def test_a_header_name_that_is_no_utf8_does_not_stop_its_batch() -> None:
    raw = bytearray(raw_chunk([(b"k", b"v"), (b"k2", None)], 5, headers=[("abcd", b"1"), ("n", None)]))
    raw[raw.index(b"abcd") : raw.index(b"abcd") + 1] = b"\xff"
    ((after, records),) = read_committed(_sealed(raw), [], 0)
    assert after == 7
    assert [(one.offset, one.key, one.value) for one in records] == [(5, b"k", b"v"), (6, b"k2", None)]
    assert list(records[0].headers) == [("�bcd", b"1"), ("n", None)]
    assert list(records[1].headers) == [("abcd", b"1"), ("n", None)]


_TEXT = st.one_of(st.none(), st.binary(max_size=30))


@given(
    rows=st.lists(
        st.tuples(_TEXT, _TEXT, st.lists(st.tuples(st.text(max_size=8), _TEXT), max_size=4)), min_size=1, max_size=8
    ),
    base=st.integers(0, 2**60),
    compression=st.sampled_from([0, 1, 3, 4]),
)
def test_the_patient_reader_reads_what_the_quick_one_reads(
    rows: list[tuple[bytes | None, bytes | None, Headers]], base: int, compression: int
) -> None:
    builder = DefaultRecordBatchBuilder(
        2, compression, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=1 << 20
    )
    for at, (key, value, headers) in enumerate(rows):
        builder.append(at, 1_700_000_000_000 + at, key, value, list(headers))
    raw = bytearray(builder.build())
    raw[0:8] = base.to_bytes(8, "big")
    ((_, quick),) = read_committed(bytes(raw), [], 0)
    patient = foreign_records(bytes(raw))
    for one, other in zip(quick, patient, strict=True):
        assert (one.offset, one.timestamp, one.key, one.value) == (
            other.offset,
            other.timestamp,
            other.key,
            other.value,
        )
        assert list(one.headers) == list(other.headers)
