import uuid
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.codec import Request, decode_request, encode_request, peek_job_id
from schemas.errors import InvalidRequest
from schemas.events import RequestEvent, ResultEvent
from schemas.reasons import FailureReason, processing_error
from schemas.result_codec import encode_completed, encode_failed

JOB = "0f8fad5b-d9cb-469f-a165-70867728950e"
NOON = 1_790_000_000_000


def decode(value: object, key: bytes | None = None, offset: int = 7) -> Request:
    raw = value if isinstance(value, bytes) or value is None else orjson.dumps(value)
    return decode_request(raw, key=key, topic="t", partition=3, offset=offset, timestamp_ms=NOON)


def test_the_smallest_legal_request_is_two_ids() -> None:
    request = decode({"property_id": "PROP123", "county_id": "BENTON"})
    assert (request.property_id, request.county_id, request.created_ms) == ("PROP123", "BENTON", NOON)
    assert request.day == NOON // 86_400_000
    assert uuid.UUID(request.job_id).version == 5


def test_a_request_without_an_id_gets_one_from_its_place_on_the_topic() -> None:
    body = {"property_id": "P", "county_id": "C"}
    assert decode(body).job_id == decode(body).job_id
    assert decode(body).job_id != decode(body, offset=8).job_id


def test_the_stated_id_counts_before_the_key_and_the_key_before_the_place() -> None:
    body = {"property_id": "P", "county_id": "C"}
    other = "11111111-2222-3333-4444-555555555555"
    assert decode(body | {"job_id": JOB.upper()}, key=other.encode()).job_id == JOB
    assert decode(body, key=other.encode()).job_id == other
    assert uuid.UUID(decode(body, key=b"not a uuid, but as long as one is...").job_id).version == 5


@pytest.mark.parametrize("county", ["benton", "benton-wa", "BENTON", "benton_wa"])
def test_the_county_is_brought_to_its_normal_form(county: str) -> None:
    assert decode({"property_id": "P", "county_id": county}).county_id == "BENTON"


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"1",
        b'{"property_id": NaN}',
        {},
        {"property_id": "P"},
        {"county_id": "C"},
        {"property_id": "", "county_id": "C"},
        {"property_id": 123, "county_id": "C"},
        {"property_id": True, "county_id": "C"},
        {"property_id": "P" * 129, "county_id": "C"},
        {"property_id": "P\n", "county_id": "C"},
        {"property_id": "P", "county_id": "C" * 65},
        {"property_id": "P", "county_id": "--"},
        {"property_id": "P", "county_id": "C", "job_id": "1"},
        {"property_id": "P", "county_id": "C", "job_id": 1},
        {"property_id": "P", "county_id": "C", "valuation_date": "2026-02-30"},
        {"property_id": "P", "county_id": "C", "valuation_date": 20260101},
        {"property_id": "P", "county_id": "C", "created_at": "2026-01-01T00:00:00"},
        {"property_id": "P", "county_id": "C", "created_at": 1},
        {"property_id": "P", "county_id": "C", "characteristics": []},
        {"property_id": "P", "county_id": "C", "characteristics": {"bedrooms": True}},
        {"property_id": "P", "county_id": "C", "characteristics": {"bedrooms": [3]}},
        {"property_id": "P", "county_id": "C", "characteristics": {"": 3}},
        {"property_id": "P", "county_id": "C", "valuation_method_hint": 1},
        {"property_id": "P", "county_id": "C", "batch_id": 1},
        b'{"property_id":"P","county_id":"C","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_what_is_no_request_is_refused_with_a_sentence(value: object) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        decode(value)
    assert len(refusal.value.message) > 10


def test_a_refusal_names_the_job_where_its_id_can_be_read() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        decode({"job_id": JOB, "property_id": 5, "county_id": "C"})
    assert (refusal.value.job_id, refusal.value.property_id, refusal.value.county_id) == (JOB, "", "C")
    with pytest.raises(InvalidRequest) as refusal:
        decode({"job_id": "5", "property_id": 5, "county_id": "C"})
    assert refusal.value.job_id is None


@pytest.mark.parametrize("key", [None, JOB.encode(), b"k"])
@pytest.mark.parametrize("body", [{"job_id": JOB}, {}, {"job_id": "x"}])
def test_peeking_finds_the_id_that_decoding_gives(key: bytes | None, body: dict[str, Any]) -> None:
    value = orjson.dumps(body | {"property_id": "P", "county_id": "C"})
    peeked = peek_job_id(value, key=key, topic="t", partition=3, offset=7)
    if body.get("job_id") == "x":
        assert peeked is None
    else:
        assert peeked == decode(value, key=key).job_id


printable = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=64)
bodies = st.fixed_dictionaries(
    {"property_id": printable | st.integers(-9, 9), "county_id": printable | st.none()},
    optional={
        "job_id": st.uuids().map(str) | st.text(max_size=40) | st.none(),
        "valuation_date": st.dates().map(lambda day: day.isoformat()) | st.none(),
        "valuation_method_hint": st.text(max_size=70) | st.none(),
        "batch_id": st.text(min_size=1, max_size=130) | st.none(),
        "characteristics": st.none()
        | st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers(-9, 9)),
        "other": st.integers(-9, 9),
    },
)


@given(bodies)
def test_the_fast_reader_accepts_exactly_what_the_model_accepts(body: dict[str, Any]) -> None:
    try:
        model = RequestEvent.model_validate_json(orjson.dumps(body))
    except ValidationError:
        with pytest.raises(InvalidRequest):
            decode(body)
        return
    request = decode(body)
    assert (request.property_id, request.county_id) == (model.property_id, model.county_id)
    assert request.batch_id == model.batch_id


def test_a_request_reads_back_as_it_was_written() -> None:
    request = Request(JOB, "P", "BENTON", NOON, 20_000, "cost", {"bedrooms": 3, "roof": "tile", "view": None}, "b1")
    again = decode(encode_request(request, valuation_date="2024-10-04"))
    assert again == request


def test_a_result_event_is_what_its_model_says() -> None:
    request = Request(JOB, 'P"1\\', "BENTON", NOON, 20_000)
    event = encode_failed(
        request,
        FailureReason.PROCESSING_EXCEPTION,
        processing_error("x" * 300),
        started_at="2026-11-23T09:00:00.000Z",
        completed_at="2026-11-23T09:00:00.100Z",
    )
    read = ResultEvent.model_validate_json(event)
    assert read.property_id == 'P"1\\'
    assert len(read.message) == len("Processing error: ") + 250
    assert list(orjson.loads(event)) == [*ResultEvent.model_fields]


def test_the_engine_s_bytes_are_taken_over_unchanged() -> None:
    event = encode_completed(
        Request(JOB, "P", "C", NOON, 1),
        started_at="2026-11-23T09:00:00.000Z",
        completed_at="2026-11-23T09:00:00.000Z",
        result=b'{"estimated_value":350000.0}',
    )
    assert b'"result":{"estimated_value":350000.0}' in event
