"""Nothing that is wrong with a request makes the gateway fail, and none of it reaches Kafka."""

import gzip
import zlib

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.gateway.conftest import RUN, Served

JSON = {"Content-Type": "application/json"}
GOOD = {"property_id": "P", "county_id": "BENTON"}
NOT_JSON = {
    "nothing": b"",
    "a brace": b"{",
    "trailing comma": b'{"property_id":"P",}',
    "NaN": b'{"property_id":"P","county_id":"B","characteristics":{"x":NaN}}',
    "Infinity": b'{"property_id":"P","county_id":"B","characteristics":{"x":-Infinity}}',
    "beyond a double": b'{"property_id":"P","county_id":"B","characteristics":{"x":1e999}}',
    "lone surrogate": b'{"property_id":"\\ud800","county_id":"B"}',
    "lone surrogate as a name": b'{"\\udc00":1,"property_id":"P","county_id":"B"}',
    "not UTF-8": b'{"property_id":"\xff","county_id":"B"}',
    "UTF-16": '{"property_id":"P"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"property_id":"P","county_id":"B"}',
    "deep": b'{"a":' * 5000,
    "deep array": b"[" * 60_000,
    "two texts": b"{}{}",
    "control character": b'{"property_id":"\x01","county_id":"B"}',
    "single quotes": b"{'property_id':'P'}",
}
WRONG: dict[str, tuple[object, str]] = {
    "no member": ({}, "/property_id"),
    "an array": ([], ""),
    "null": (None, ""),
    "a text": ("x", ""),
    "no county": ({"property_id": "P"}, "/county_id"),
    "null property": (GOOD | {"property_id": None}, "/property_id"),
    "number for property": (GOOD | {"property_id": 123}, "/property_id"),
    "truth for property": (GOOD | {"property_id": True}, "/property_id"),
    "empty property": (GOOD | {"property_id": ""}, "/property_id"),
    "long property": (GOOD | {"property_id": "x" * 129}, "/property_id"),
    "control in property": (GOOD | {"property_id": "a\nb"}, "/property_id"),
    "bidi in property": (GOOD | {"property_id": "a\u202eb"}, "/property_id"),
    "empty county": (GOOD | {"county_id": ""}, "/county_id"),
    "long county": (GOOD | {"county_id": "x" * 65}, "/county_id"),
    "county of nothing": (GOOD | {"county_id": "--"}, "/county_id"),
    "county as object": (GOOD | {"county_id": {}}, "/county_id"),
    "job id of nothing": (GOOD | {"job_id": ""}, "/job_id"),
    "job id in hex words": (GOOD | {"job_id": "0x" + "0" * 30}, "/job_id"),
    "job id a number": (GOOD | {"job_id": 1}, "/job_id"),
    "date a number": (GOOD | {"valuation_date": 20260101}, "/valuation_date"),
    "date with time": (GOOD | {"valuation_date": "2026-01-01T00:00:00Z"}, "/valuation_date"),
    "date of no month": (GOOD | {"valuation_date": "2026-13-01"}, "/valuation_date"),
    "date of no day": (GOOD | {"valuation_date": "2026-02-30"}, "/valuation_date"),
    "week date": (GOOD | {"valuation_date": "2026-W01-1"}, "/valuation_date"),
    "short date": (GOOD | {"valuation_date": "20260101"}, "/valuation_date"),
    "hint a number": (GOOD | {"valuation_method_hint": 1}, "/valuation_method_hint"),
    "long hint": (GOOD | {"valuation_method_hint": "x" * 65}, "/valuation_method_hint"),
    "characteristics a list": (GOOD | {"characteristics": []}, "/characteristics"),
    "characteristic a truth": (GOOD | {"characteristics": {"a": True}}, "/characteristics/a"),
    "characteristic a list": (GOOD | {"characteristics": {"a/b~c": []}}, "/characteristics/a~1b~0c"),
    "long characteristic": (GOOD | {"characteristics": {"a": "x" * 1025}}, "/characteristics/a"),
    "too many characteristics": (GOOD | {"characteristics": {str(i): 1 for i in range(513)}}, "/characteristics"),
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_what_is_not_json_is_a_400(served: Served, body: bytes) -> None:
    answer = await served.client.post(RUN, data=body, headers=JSON)
    assert answer.status == 400
    assert answer.content_type == "application/problem+json"
    assert (await answer.json())["errors"][0]["pointer"] == ""
    assert not served.kafka.log


@pytest.mark.parametrize(("body", "pointer"), WRONG.values(), ids=WRONG.keys())
async def test_what_the_schema_refuses_is_a_422_that_points_at_it(served: Served, body: object, pointer: str) -> None:
    answer = await served.client.post(RUN, data=orjson.dumps(body), headers=JSON)
    problem = await answer.json()
    assert answer.status == 422, problem
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert all(error["message"] for error in problem["errors"])
    assert not served.kafka.log


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "application/json; charset=latin-1", ";;;", "application/jsonx", "\xff"]
)
async def test_another_content_type_is_a_415(served: Served, kind: str) -> None:
    answer = await served.client.post(RUN, data=orjson.dumps(GOOD), headers={"Content-Type": kind})
    assert (answer.status, answer.content_type) == (415, "application/problem+json")
    assert not served.kafka.log


async def test_a_body_without_a_content_type_is_a_415(served: Served) -> None:
    answer = await served.client.post(RUN, data=orjson.dumps(GOOD), skip_auto_headers=["Content-Type"])
    assert answer.status == 415


@pytest.mark.parametrize(
    "kind", ["application/json", "APPLICATION/JSON", 'application/json; charset="UTF-8"', "application/vnd.x+json"]
)
async def test_json_goes_by_several_names(served: Served, kind: str) -> None:
    assert (await served.client.post(RUN, data=orjson.dumps(GOOD), headers={"Content-Type": kind})).status == 202


async def test_a_body_beyond_64_kib_is_a_413(served: Served) -> None:
    body = orjson.dumps(GOOD | {"x": "y" * 65_536})
    answer = await served.client.post(RUN, data=body, headers=JSON)
    assert (answer.status, answer.content_type) == (413, "application/problem+json")
    assert not served.kafka.log


async def test_a_compressed_body_counts_by_what_it_expands_to(served: Served) -> None:
    bomb = gzip.compress(orjson.dumps(GOOD | {"x": "y" * 50_000_000}))
    answer = await served.client.post(RUN, data=bomb, headers=JSON | {"Content-Encoding": "gzip"})
    assert answer.status == 413
    fine = await served.client.post(
        RUN, data=zlib.compress(orjson.dumps(GOOD)), headers=JSON | {"Content-Encoding": "deflate"}
    )
    assert fine.status == 202


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_body_that_is_not_compressed_as_it_says_is_a_400(served: Served, coding: str) -> None:
    answer = await served.client.post(RUN, data=b"\x00garbage", headers=JSON | {"Content-Encoding": coding})
    assert answer.status == 400


async def test_an_unknown_compression_is_a_415(served: Served) -> None:
    answer = await served.client.post(RUN, data=orjson.dumps(GOOD), headers=JSON | {"Content-Encoding": "rot13"})
    assert (answer.status, answer.headers["Accept-Encoding"]) == (415, "gzip, deflate")


async def test_repeated_members_count_by_the_last_one(served: Served) -> None:
    body = b'{"property_id":1,"property_id":"P","county_id":"B"}'
    answer = await served.client.post(RUN, data=body, headers=JSON)
    assert (answer.status, (await answer.json())["property_id"]) == (202, "P")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=200),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["property_id", "county_id", "job_id", "valuation_date", "valuation_method_hint", "characteristics", "batch_id"]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(NAMES, JSON_VALUES, max_size=7))
async def test_no_json_object_makes_the_gateway_fail(served: Served, body: dict[str, object]) -> None:
    import json  # noqa: PLC0415 - writes what orjson refuses to

    before = len(served.kafka.records(served.requests))
    answer = await served.client.post(RUN, data=json.dumps(body).encode(), headers=JSON)
    assert answer.status in {202, 400, 422}
    assert len(served.kafka.records(served.requests)) - before == (answer.status == 202)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300))
async def test_no_bytes_make_the_gateway_fail(served: Served, body: bytes) -> None:
    answer = await served.client.post(RUN, data=body, headers=JSON)
    assert answer.status in {400, 422}
    assert not served.kafka.log
