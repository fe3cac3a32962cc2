"""The shortcuts of the hot path come to what the long way comes to."""

from uuid import UUID, uuid4

import orjson
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Request, decode_request
from schemas.errors import InvalidRequest
from schemas.result_codec import CompletedEvents, encode_completed

_AT = "2026-11-23T09:00:00.123Z"


def _decoded(body: object) -> Request | tuple[str, str | None, str, str]:
    try:
        return decode_request(
            orjson.dumps(body), key=None, topic="t", partition=3, offset=7, timestamp_ms=1_700_000_000_000
        )
    except InvalidRequest as wrong:
        return wrong.message, wrong.job_id, wrong.property_id, wrong.county_id


_SCRAPS = st.one_of(
    st.none(), st.booleans(), st.integers(0, 10), st.text(max_size=6), st.lists(st.text(max_size=2), max_size=2)
)


@given(
    job_id=st.one_of(_SCRAPS, st.uuids().map(str), st.uuids().map(lambda one: one.hex.upper())),
    property_id=st.one_of(_SCRAPS, st.text(max_size=140), st.just("P" * 129), st.just("P\x7f")),
    county_id=st.one_of(_SCRAPS, st.sampled_from(["benton_wa", "Benton", "  ", "c" * 65, "King\u202e"])),
    created_at=st.one_of(_SCRAPS, st.sampled_from([_AT, "2026-11-23T09:00:00Z", "2026-11-23", "0001-01-01T00:00:00Z"])),
)
def test_a_plain_request_reads_the_same_with_a_member_that_nobody_knows(
    job_id: object, property_id: object, county_id: object, created_at: object
) -> None:
    body = {"job_id": job_id, "property_id": property_id, "county_id": county_id, "created_at": created_at}
    assert _decoded(body) == _decoded({**body, "unknown": 1})


@given(
    property_id=st.one_of(st.text(st.characters(exclude_categories=["C"]), min_size=1), st.just('a"b\\c')),
    created_ms=st.integers(0, 4_000_000_000_000),
    batch=st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=9)),
    hint=st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=9)),
    result=st.dictionaries(st.text(max_size=3), st.floats(allow_nan=False), max_size=3).map(orjson.dumps),
)
def test_events_that_completed_together_are_written_the_same(
    property_id: str, created_ms: int, batch: str | None, hint: str | None, result: bytes
) -> None:
    request = Request(str(uuid4()), property_id, "BENTON", created_ms, 1, hint, None, batch)
    together = CompletedEvents(started_at=_AT, completed_at="2026-11-23T09:00:01.000Z").encode(request, result)
    assert together == encode_completed(request, started_at=_AT, completed_at="2026-11-23T09:00:01.000Z", result=result)
    assert UUID(orjson.loads(together)["job_id"])
