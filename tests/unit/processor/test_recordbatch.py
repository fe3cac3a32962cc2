"""A record batch written from rows is what aiokafka's own builder makes of the same records."""

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from processor.lanes.recordbatch import RecordBatch
from processor.wire import Framing, Headers, frame
from schemas.cloudevents import HeaderStamp
from tests.rows import read_row

_JOB = "6f9f0b0e-2f3c-5a53-9d2e-0c1d3b6c7a10"
_NOW = 1_700_000_000_000
_PRODUCER = (4_000, 3, 17)
_Record = tuple[bytes | None, bytes | None, Headers]

_texts = st.one_of(st.none(), st.binary(max_size=80), st.integers(8_100, 8_300).map(bytes))
_headers = st.lists(st.tuples(st.text(max_size=4), _texts), max_size=70)
_records = st.lists(st.tuples(_texts, _texts, _headers), min_size=1, max_size=70)


def _made_by_aiokafka(records: list[_Record], limit: int) -> tuple[bytes, int]:
    builder = DefaultRecordBatchBuilder(
        2, 0, is_transactional=1, producer_id=-1, producer_epoch=-1, base_sequence=0, batch_size=limit
    )
    taken = 0
    for key, value, headers in records:
        if builder.append(taken, _NOW, key, value, list(headers)) is None:
            break
        taken += 1
    builder.set_producer_state(*_PRODUCER)
    return bytes(builder.build()), taken


@given(_records, st.integers(100, 20_000))
def test_a_batch_has_the_bytes_that_the_client_library_would_write(records: list[_Record], limit: int) -> None:
    expected, taken = _made_by_aiokafka(records, limit)
    batch = RecordBatch(len(expected), _NOW)
    after = batch.extend([frame(*record) for record in records[:taken]], 0)
    batch._set_producer_state(*_PRODUCER)
    assert (after, batch.record_count()) == (taken, taken)
    assert batch._build() == expected
    assert batch.size() == len(expected)


def test_a_batch_takes_what_fits_and_one_record_at_least() -> None:
    rows = [frame(b"k", b"v" * 100, ())] * 10
    batch = RecordBatch(300, _NOW)
    assert batch.extend(rows, 7) == 9
    assert batch.size() <= 300
    small = RecordBatch(50, _NOW)
    assert small.extend(rows, 3) == 4


def test_a_batch_that_is_sent_again_carries_the_producer_it_was_given_last() -> None:
    batch = RecordBatch(1_000, _NOW)
    batch.extend([frame(b"k", b"v", ())], 0)
    first = batch._build()
    batch._set_producer_state(*_PRODUCER)
    assert first != batch._build()
    assert batch._build() is batch._build()
    assert batch.closed()


@given(st.one_of(st.none(), st.binary(max_size=100)), st.binary(max_size=300))
def test_results_of_a_moment_are_framed_like_any_row(trace: bytes | None, value: bytes) -> None:
    common = HeaderStamp(source="/here", event_type="done").at("2026-11-23T09:00:00.000Z")
    job = _JOB.encode()
    headers: list[tuple[str, bytes | None]] = [*common, ("ce_id", job), ("ce_subject", job)]
    if trace is not None:
        headers.append(("traceparent", trace))
    row = Framing(common).frame(_JOB, value, trace)
    assert row == frame(job, value, headers)
    assert read_row(row) == (job, value, headers)
