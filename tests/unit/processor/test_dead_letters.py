"""What is no request goes to the dead letters as it came, and says why."""

import orjson
import pytest

from processor.batch import Outcomes
from schemas.cloudevents import header
from tests.fakes import FakeEngine, FakeRecord, FakeRoll, batch_of, collaborators, handled, job_id, request_value
from tests.rows import read_event, read_row

_JOB = job_id(9)
_USING = collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine())


async def _outcomes(*records: FakeRecord, record_limit: int = 1_000_000) -> Outcomes:
    return handled(batch_of(records, record_limit=record_limit), _USING)


@pytest.mark.parametrize(
    "value",
    [None, b"", b"not json", b"[]", b"7", b'"x"', b"\xff\xfe", b'{"property_id": 1, "county_id": "BENTON"}', b"{}"],
)
async def test_garbage_gives_a_dead_letter_and_no_result(value: bytes | None) -> None:
    outcomes = await _outcomes(FakeRecord(0, value), FakeRecord(1, request_value("P1")))
    assert [read_row(row).value for row in outcomes.dead_letters] == [value]
    assert outcomes.dead_positions == [0]
    assert len(outcomes.results) == 1
    assert outcomes.tally == {("BENTON", None): 1}


async def test_a_dead_letter_keeps_key_and_headers_and_says_what_was_wrong() -> None:
    record = FakeRecord(17, b"{", key=b"\x00key", headers=[("a", b"1"), ("a", None), ("error.reason", b"older")])
    outcomes = await _outcomes(record)
    key, value, headers = read_row(outcomes.dead_letters[0])
    assert (key, value) == (b"\x00key", b"{")
    assert headers[:2] == [("a", b"1"), ("a", None)]
    said = dict(headers[2:])
    assert len(said) == len(headers) - 2
    message = said.pop("error.message")
    assert message is not None
    assert message.startswith(b"the value is no JSON")
    assert said == {
        "error.reason": b"invalid_request",
        "error.topic": b"requests",
        "error.partition": b"3",
        "error.offset": b"17",
        "error.timestamp": b"2023-11-14T22:13:20.000Z",
        "error.attempts": b"1",
        "error.app_version": b"9.9",
    }


@pytest.mark.parametrize(("before", "after"), [(b"1", b"2"), (b"41", b"42"), (b"x", b"1"), (b"9" * 400, b"1")])
async def test_a_replayed_record_that_fails_again_counts_its_attempts(before: bytes, after: bytes) -> None:
    outcomes = await _outcomes(FakeRecord(0, b"{", headers=[("error.attempts", before), ("error.offset", b"3")]))
    headers = read_row(outcomes.dead_letters[0]).headers
    assert [value for name, value in headers if name == "error.attempts"] == [after]
    assert [value for name, value in headers if name == "error.offset"] == [b"0"]


async def test_a_readable_job_id_gets_a_final_answer_too() -> None:
    value = orjson.dumps({"job_id": _JOB, "property_id": "P1", "county_id": 5})
    outcomes = await _outcomes(FakeRecord(0, value))
    event = read_event(outcomes.results[0])
    assert (event["job_id"], event["status"], event["failure_reason"]) == (_JOB, "FAILED", "invalid_request")
    assert event["property_id"] == "P1"
    assert event["message"] == "Invalid request: county_id must be text, not a number"
    assert len(outcomes.dead_letters) == 1
    assert outcomes.tally == {("OTHER", "invalid_request"): 1}


@pytest.mark.parametrize("job_id", ["17", "", 17, "x" * 36])
async def test_a_job_id_that_is_no_uuid_is_not_readable(job_id: object) -> None:
    value = orjson.dumps({"job_id": job_id, "property_id": "P1", "county_id": "BENTON"})
    outcomes = await _outcomes(FakeRecord(0, value))
    assert outcomes.results == []
    assert len(outcomes.dead_letters) == 1


async def test_an_invalid_repetition_of_a_job_is_a_dead_letter_but_changes_no_result() -> None:
    bad = orjson.dumps({"job_id": _JOB, "property_id": "P1"})
    outcomes = await _outcomes(FakeRecord(0, request_value("P1", _JOB)), FakeRecord(1, bad))
    assert len(outcomes.results) == 1
    assert read_event(outcomes.results[0])["status"] == "COMPLETED"
    assert len(outcomes.dead_letters) == 1
    assert outcomes.duplicates == 1


@pytest.mark.parametrize(
    ("key", "value", "headers"),
    [
        (b"k", b"v" * 30_000, []),
        (b"k" * 30_000, b"v" * 10, []),
        (b"k" * 30_000, None, [("h", b"1")]),
        (b"k", b"v", [("h", b"x" * 30_000)]),
        (b"k", b"v" * 15_900, [("h", b"x" * 800)]),
    ],
)
async def test_a_dead_letter_that_the_broker_would_refuse_is_cut_and_says_so(
    key: bytes, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    outcomes = await _outcomes(FakeRecord(0, value, key=key, headers=headers), record_limit=16_384)
    cut_key, cut_value, cut_headers = read_row(outcomes.dead_letters[0])
    size = len(cut_key or b"") + len(cut_value or b"") + sum(len(name) + len(text or b"") for name, text in cut_headers)
    assert size < 16_384
    assert int(header(cut_headers, "error.truncated_bytes") or b"0") > 0
    assert header(cut_headers, "error.reason") == b"invalid_request"
    assert key.startswith(cut_key or b"")
    assert (value or b"").startswith(cut_value or b"")
