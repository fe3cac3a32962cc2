"""Whatever bytes lie on the requests topic: a request that the model would accept too, or an invalid one.

``FUZZ_EXAMPLES=200000 pytest tests/unit/security/test_fuzzed_requests.py`` goes on for longer than the suite does.
"""

import os
import re
from typing import Final

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.codec import Request, decode_request, peek_job_id
from schemas.errors import InvalidRequest
from schemas.events import RequestEvent

_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "1500"))
_SEEDS: Final = (
    b'{"property_id":"PROP123","county_id":"BENTON"}',
    b"""{"job_id":"0f8fad5b-d9cb-469f-a165-70867728950e","property_id":"P1","county_id":"benton_wa",
"created_at":"2026-11-23T09:00:00.000Z"}""",
    b"""{"property_id":"P","county_id":"C","characteristics":{"bedrooms":3,"view":null,"roof":"tile","x":-1.5e3},
"valuation_date":"2026-01-01","valuation_method_hint":"cost","batch_id":"b"}""",
)
_TOKENS: Final = (
    *(
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"null",
        b"true",
        b"NaN",
        b"-0",
        b"1e999",
        b"\\ud800",
        b"\\u0000",
    ),
    *(b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x00", b"\n", "\u202e".encode(), "\U0001f3e0".encode()),
    *(b'"job_id":', b'"property_id":"Q",', b'"county_id":1,', b"{" * 2000, b"9" * 400, b"x" * 200),
)
_PLACES: Final = st.floats(0, 1)
_CHANGES: Final = st.lists(
    st.tuples(_PLACES, st.integers(0, 6), st.sampled_from(_TOKENS) | st.binary(max_size=4)), min_size=1, max_size=6
)


def _mutated(seed: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    for place, cut, put in changes:
        at = int(place * len(seed))
        seed = seed[:at] + put + seed[at + cut :]
    return seed


def _accepted(raw: bytes) -> RequestEvent | None:
    try:
        return RequestEvent.model_validate_json(orjson.dumps(orjson.loads(raw)))
    except (ValidationError, orjson.JSONDecodeError):
        return None


@settings(max_examples=_EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(_SEEDS),
    _CHANGES,
    st.none() | st.binary(max_size=40) | st.uuids().map(lambda key: str(key).encode()),
)
def test_the_decoder_and_the_model_agree_on_any_bytes(
    seed: bytes, changes: list[tuple[float, int, bytes]], key: bytes | None
) -> None:
    raw = _mutated(seed, changes)
    if _states_an_odd_moment(raw):
        return  # both readers know more ways to write a moment than the schema names, and not the same ones
    peeked = peek_job_id(raw, key=key, topic="t", partition=0, offset=1)
    model = _accepted(raw)
    request = _decoded(raw, key)
    if request is None:
        assert model is None, f"the model accepts {raw!r}"
    else:
        assert model is not None, f"the model refuses {raw!r}"
        assert peeked == request.job_id
        assert request.property_id == model.property_id
        assert model.job_id is None or request.job_id == str(model.job_id)


def _states_an_odd_moment(raw: bytes) -> bool:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return False
    created = body.get("created_at") if isinstance(body, dict) else None
    return isinstance(created, str) and not _RFC_3339.fullmatch(created)


def _decoded(raw: bytes, key: bytes | None) -> Request | None:
    try:
        return decode_request(raw, key=key, topic="t", partition=0, offset=1, timestamp_ms=0)
    except InvalidRequest:
        return None
