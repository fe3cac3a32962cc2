from itertools import islice

import pytest
from aiokafka.partitioner import murmur2 as kafkas_murmur2
from hypothesis import given
from hypothesis import strategies as st

from producer.batching import numbered_ids
from producer.faults import faults
from producer.headers import BatchNote, batch_header, idempotency_headers, read_batch, read_idempotency
from producer.ids import canonical, idempotency_job_id, new_job_id
from producer.orders import Order
from producer.partitioning import murmur2, partition_for, partitions_for
from schemas.codec import Request, encode_request
from schemas.events import ValuationRequest
from schemas.printable import is_printable


@given(st.binary(max_size=400))
def test_keys_go_where_kafkas_own_partitioner_sends_them(key: bytes) -> None:
    assert murmur2(key) == kafkas_murmur2(key)
    assert 0 <= partition_for(key, 12) < 12


@given(st.lists(st.binary(min_size=36, max_size=36), max_size=200), st.integers(1, 50))
def test_many_keys_go_where_each_of_them_goes(keys: list[bytes], partitions: int) -> None:
    assert partitions_for(keys, partitions) == [partition_for(key, partitions) for key in keys]


@given(st.lists(st.binary(max_size=40), max_size=60))
def test_keys_of_different_lengths_go_where_each_of_them_goes(keys: list[bytes]) -> None:
    assert partitions_for(keys, 12) == [partition_for(key, 12) for key in keys]


@given(
    st.text(min_size=1, max_size=128).filter(is_printable),
    st.sampled_from([None, "tfs_batch", 'a"b']),
    st.sampled_from([None, "2026-01-01"]),
    st.sampled_from([None, {"bedrooms": 3}]),
)
def test_a_request_event_is_written_as_the_codec_writes_it(
    property_id: str, hint: str | None, date: str | None, characteristics: dict[str, float | str | None] | None
) -> None:
    for batch_id in (None, new_job_id(6)):
        request = Request(new_job_id(5), property_id, "BENTON", 1_795_000_000_007, 20_000)
        request.valuation_method_hint, request.characteristics, request.batch_id = hint, characteristics, batch_id
        assert Order(request, date).value == encode_request(request, valuation_date=date)


def test_numbered_ids_differ_follow_the_batch_and_are_the_same_again() -> None:
    batch_id = "01a20877-ca0d-78db-a03d-fffffffffff0"
    ids = list(islice(numbered_ids(batch_id), 100))
    assert len({*ids, batch_id}) == 101
    assert ids == list(islice(numbered_ids(batch_id), 100))
    assert [canonical(each) for each in ids] == ids


@pytest.mark.parametrize(
    "spelling",
    [
        "8F14E45F-CEEA-467F-A8F5-6AC0D0C5D3B1",
        "urn:uuid:8f14e45f-ceea-467f-a8f5-6ac0d0c5d3b1",
        "8f14e45f-ceea-467f-a8f5-6ac0d0c5d3b1",
    ],
)
def test_uuids_have_one_canonical_form(spelling: str) -> None:
    assert canonical(spelling) == "8f14e45f-ceea-467f-a8f5-6ac0d0c5d3b1"


@pytest.mark.parametrize(
    "text",
    ["", "x" * 36, "8f14e45fceea467fa8f56ac0d0c5d3b1\n", "٨f14e45f-ceea-467f-a8f5-6ac0d0c5d3b1", "0x" + "0" * 34],
)
def test_what_python_would_take_for_a_uuid_is_not_one(text: str) -> None:
    with pytest.raises(ValueError, match="not a UUID"):
        canonical(text)


def test_fresh_ids_sort_by_time_and_differ_within_a_millisecond() -> None:
    assert len({new_job_id(5) for _ in range(1000)}) == 1000
    assert new_job_id(1) < new_job_id(2) < new_job_id(2**47)


def test_owners_do_not_share_idempotency_keys() -> None:
    assert idempotency_job_id("a", "bc") != idempotency_job_id("ab", "c")
    assert idempotency_job_id("a", "b") == idempotency_job_id("a", "b")


def test_headers_read_back_what_was_written() -> None:
    key = idempotency_job_id("", "k")
    assert read_idempotency(idempotency_headers(key, b"\x01\x02")) == (key, b"\x01\x02")
    note = BatchNote("b", "reappraisal", None, 5, 7)
    assert read_batch(batch_header(note)[1]) == note


@given(st.binary(max_size=200))
def test_headers_of_others_are_read_without_harm(value: bytes) -> None:
    read_batch(value)
    read_idempotency([("idempotency-key", value), ("idempotency-fingerprint", value)])


def test_pointers_escape_names_and_stop_where_the_body_ends() -> None:
    found = faults(
        ValuationRequest, {"property_id": "P", "county_id": "B", "characteristics": {"a/b~c": {"deep": [1]}}}
    )
    assert [fault.pointer for fault in found] == ["/characteristics/a~1b~0c"]
    assert faults(ValuationRequest, {"property_id": "P", "county_id": "B"}) == ()
    assert [fault.pointer for fault in faults(ValuationRequest, {}, below="/7")] == ["/7/property_id", "/7/county_id"]
