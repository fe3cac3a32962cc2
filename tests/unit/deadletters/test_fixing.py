"""What a dead letter is published as: its own bytes, or those bytes changed as RFC 7396 has it."""

from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.deadletters.errors import BadFix
from producer.deadletters.fixing import merged, read_fix, republished
from producer.deadletters.letter import DeadLetter, Position

RFC = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]
"""The examples of RFC 7396, appendix A."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)


def letter(value: bytes | None, at: int = 7, timestamp_ms: int = 1) -> DeadLetter:
    return DeadLetter("valuation.dead-letters", Position(3, at), timestamp_ms, None, value, ())


@pytest.mark.parametrize(("target", "patch", "result"), RFC)
def test_the_examples_of_the_rfc(target: object, patch: object, result: object) -> None:
    assert merged(target, patch) == result


@given(JSON, st.dictionaries(st.text(max_size=2), JSON, max_size=3))
def test_a_patch_twice_is_a_patch_once_and_its_target_stays_as_it_was(target: object, patch: dict[str, object]) -> None:
    before = orjson.dumps(target)
    once = merged(target, patch)
    assert merged(once, patch) == once
    assert orjson.dumps(target) == before


@given(st.none() | st.binary())
def test_without_a_fix_the_bytes_are_the_original_ones(value: bytes | None) -> None:
    _, published = republished(letter(value), None)
    assert published == value


def test_a_job_that_has_its_answer_already_gives_way_to_the_replays() -> None:
    job = str(UUID(int=5))
    value = orjson.dumps({"job_id": job, "property_id": "P"})
    replayed = letter(value).replay_id
    job_id, published = republished(letter(value), None)
    assert job_id == replayed != job
    assert orjson.loads(published or b"") == {"job_id": replayed, "property_id": "P"}
    job_id, published = republished(letter(value), {"county_id": "B"})
    assert orjson.loads(published or b"") == {"job_id": replayed, "property_id": "P", "county_id": "B"}


def test_a_fix_may_name_the_job_and_make_a_request_of_anything() -> None:
    job = str(UUID(int=6))
    assert republished(letter(b"not json"), {"job_id": job, "a": 1}) == (job, orjson.dumps({"job_id": job, "a": 1}))
    assert republished(letter(None), {"a": 1})[1] == b'{"a":1}'


def test_a_letter_becomes_the_same_job_however_often_and_no_two_letters_one() -> None:
    assert letter(b"x").replay_id == letter(b"x").replay_id
    assert len({letter(b"x").replay_id, letter(b"x", at=8).replay_id, letter(b"x", timestamp_ms=2).replay_id}) == 3


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '"a"', "null", "{'a': 1}"])
def test_what_is_no_patch_is_refused(text: str) -> None:
    with pytest.raises(BadFix):
        read_fix(text)


@pytest.mark.parametrize("text", ["", "3", "3:", ":17", "3:17:1", "-1:2", "a:b", "３:1", "3: 17"])  # noqa: RUF001
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="partition:offset"):
        Position.read(text)
    assert Position.read("3:17") == Position(3, 17)
