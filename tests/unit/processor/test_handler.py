"""What becomes of requests: the handler's promises, in memory."""

from collections import Counter
from uuid import uuid4

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.batch import Outcomes
from processor.dedupe import Sightings, Window
from processor.handler import begin, complete, gather
from schemas.cloudevents import header
from schemas.codec import derived_job_id
from tests.fakes import (
    FakeCounty,
    FakeEngine,
    FakeRecord,
    FakeRoll,
    NoEngines,
    batch_of,
    collaborators,
    handled,
    job_id,
    request_value,
)
from tests.rows import read_event, read_row

_JOB = job_id(7)


def _reasons(outcomes: Outcomes) -> list[object]:
    return [read_event(row)["failure_reason"] for row in outcomes.results]


async def test_a_known_property_completes() -> None:
    records = [FakeRecord(5, request_value("P1", _JOB, created_at="2023-11-14T22:00:00Z", batch_id="b"))]
    outcomes = handled(batch_of(records), collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine()))
    event = read_event(outcomes.results[0])
    assert event == {
        "job_id": _JOB,
        "property_id": "P1",
        "county_id": "BENTON",
        "status": "COMPLETED",
        "message": "Valuation completed successfully.",
        "created_at": "2023-11-14T22:00:00.000Z",
        "updated_at": "2023-11-14T22:13:21.000Z",
        "started_at": "2023-11-14T22:13:21.000Z",
        "completed_at": "2023-11-14T22:13:21.000Z",
        "failure_reason": None,
        "batch_id": "b",
        "valuation_method_hint": None,
        "result": {"estimated_value": 2000.0, "property": "P1", "day": 19675, "padding": ""},
    }
    assert outcomes.tally == {("BENTON", None): 1}


async def test_a_result_has_the_job_as_key_and_is_a_cloudread_event() -> None:
    trace = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    records = [
        FakeRecord(5, request_value("P1", _JOB), headers=[("traceparent", trace), ("x", None)]),
        FakeRecord(6, request_value("NONE")),
    ]
    outcomes = handled(batch_of(records), collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine()))
    key, _, headers = read_row(outcomes.results[0])
    assert key == _JOB.encode()
    assert dict(headers) == {
        "ce_specversion": b"1.0",
        "ce_id": _JOB.encode(),
        "ce_source": b"/terrafusion/processor",
        "ce_type": b"com.terrafusion.valuation.completed.v1",
        "ce_time": b"2023-11-14T22:13:21.000Z",
        "ce_subject": _JOB.encode(),
        "content-type": b"application/json",
        "traceparent": trace,
    }
    failed = read_row(outcomes.results[1]).headers
    assert header(failed, "ce_type") == b"com.terrafusion.valuation.failed.v1"
    assert header(failed, "traceparent") is None


async def test_a_trace_stays_with_the_record_that_brought_it() -> None:
    other = b"00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01"
    records = [
        FakeRecord(5, request_value("P1", _JOB)),
        FakeRecord(6, b"no request", headers=[("traceparent", other)]),
    ]
    outcomes = handled(batch_of(records), collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine()))
    assert header(read_row(outcomes.results[0]).headers, "traceparent") is None


async def test_the_smallest_request_gets_a_job_id_from_its_place() -> None:
    outcomes = handled(
        batch_of([FakeRecord(5, request_value("P1"))]), collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine())
    )
    assert read_event(outcomes.results[0])["job_id"] == derived_job_id("requests", 3, 5)


async def test_an_unknown_property_is_looked_up_again_once_the_roll_has_caught_up() -> None:
    roll = FakeRoll.of("BENTON", "P1")
    roll.on_its_way[("BENTON", "P2")] = {}
    using = collaborators(roll, FakeEngine())
    batch = batch_of([FakeRecord(at, request_value(name)) for at, name in enumerate(("P1", "P2", "P3"))])
    work = begin(batch, batch.records, 0, using)
    assert work.missing == [1, 2]
    await roll.catch_up()
    complete(work, batch, using)
    outcomes = gather([work])
    assert _reasons(outcomes) == [None, None, "property_not_found"]
    assert read_event(outcomes.results[2])["message"] == "Property P3 not found in county BENTON."


async def test_an_unknown_county_is_an_unknown_property_and_shares_one_label() -> None:
    records = [FakeRecord(at, request_value("P1", county_id=f"nowhere {at}")) for at in range(3)]
    outcomes = handled(batch_of(records), collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine()))
    assert _reasons(outcomes) == ["property_not_found"] * 3
    assert outcomes.tally == {("OTHER", "property_not_found"): 3}


async def test_the_simulated_failure_comes_after_the_lookup() -> None:
    records = [FakeRecord(0, request_value("PROP_FAIL_SIMULATION"))]
    there = handled(batch_of(records), collaborators(FakeRoll.of("BENTON", "PROP_FAIL_SIMULATION"), FakeEngine()))
    assert read_event(there.results[0])["message"] == "Simulated processing failure."
    assert _reasons(there) == ["simulated_processing_error"]
    absent = handled(batch_of(records), collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine()))
    assert _reasons(absent) == ["property_not_found"]


@pytest.mark.parametrize("count", [1, 2, 3, 64, 257])
async def test_a_request_that_makes_the_engine_raise_fails_alone(count: int) -> None:
    names = [f"P{at}" for at in range(count)]
    bad = {names[0], names[count // 2], names[-1]}
    engine = FakeEngine(raises={name: ZeroDivisionError("lot of " + "0" * 300) for name in bad})
    records = [FakeRecord(at, request_value(name)) for at, name in enumerate(names)]
    outcomes = handled(batch_of(records), collaborators(FakeRoll.of("BENTON", *names), engine))
    events = [read_event(row) for row in outcomes.results]
    assert [event["property_id"] for event in events] == names
    for event in events:
        if event["property_id"] in bad:
            assert event["failure_reason"] == "processing_exception"
            assert event["message"] == "Processing error: " + ("lot of " + "0" * 300)[:250]
        else:
            assert event["status"] == "COMPLETED"


async def test_neighbours_of_a_bad_request_that_are_not_on_the_roll_are_missing_once() -> None:
    engine = FakeEngine(raises={"P1": ValueError("bad")})
    records = [FakeRecord(at, request_value(name)) for at, name in enumerate(("X", "P1", "P2", "Y"))]
    batch = batch_of(records)
    work = begin(batch, batch.records, 0, collaborators(FakeRoll.of("BENTON", "P1", "P2"), engine))
    assert work.missing == [0, 3]


async def test_an_exception_without_a_message_gives_its_name() -> None:
    engine = FakeEngine(raises={"P1": KeyError()})
    outcomes = handled(
        batch_of([FakeRecord(0, request_value("P1"))]), collaborators(FakeRoll.of("BENTON", "P1"), engine)
    )
    assert read_event(outcomes.results[0])["message"] == "Processing error: KeyError"


async def test_an_engine_that_forgets_an_answer_shifts_none_to_its_neighbour() -> None:
    records = [FakeRecord(at, request_value(f"P{at}")) for at in range(4)]
    roll = FakeRoll.of("BENTON", *(f"P{at}" for at in range(4)))
    outcomes = handled(batch_of(records), collaborators(roll, FakeEngine(short=True)))
    assert _reasons(outcomes) == ["processing_exception"] * 4


async def test_running_out_of_memory_is_nobodys_bad_request() -> None:
    engine = FakeEngine(raises={"P1": MemoryError()})
    with pytest.raises(MemoryError):
        handled(batch_of([FakeRecord(0, request_value("P1"))]), collaborators(FakeRoll.of("BENTON", "P1"), engine))


async def test_too_little_evidence_and_no_engine_are_insufficient_data() -> None:
    roll = FakeRoll.of("BENTON", "P1", "P2")
    records = [FakeRecord(0, request_value("P1")), FakeRecord(1, request_value("P2"))]
    outcomes = handled(batch_of(records), collaborators(roll, FakeEngine(insufficient={"P1": "Only 2 sales."})))
    assert _reasons(outcomes) == ["insufficient_data", None]
    assert read_event(outcomes.results[0])["message"] == "Only 2 sales."
    unserved = handled(batch_of(records), collaborators(roll, NoEngines()))
    assert _reasons(unserved) == ["insufficient_data"] * 2


async def test_overrides_reach_the_engine_and_only_for_their_request() -> None:
    roll = FakeRoll({"BENTON": FakeCounty({"P1": {"living_area_sqft": 1_000.0}})})
    what_if = request_value("P1", characteristics={"living_area_sqft": 2_500, "view": None})
    records = [FakeRecord(0, request_value("P1")), FakeRecord(1, what_if), FakeRecord(2, request_value("P1"))]
    outcomes = handled(batch_of(records), collaborators(roll, FakeEngine()))
    areas = [read_event(row)["result"]["area"] for row in outcomes.results]
    assert areas == [1_000.0, 2_500.0, 1_000.0]


async def test_requests_of_several_counties_come_out_in_their_order() -> None:
    roll = FakeRoll({"BENTON": FakeCounty({"B": {}}), "KING": FakeCounty({"K": {}})})
    names = [("K", "king_wa"), ("B", "Benton"), ("K", "KING"), ("X", "KING"), ("B", "benton-wa")]
    records = [FakeRecord(at, request_value(name, county_id=county)) for at, (name, county) in enumerate(names)]
    outcomes = handled(batch_of(records), collaborators(roll, FakeEngine()))
    assert [read_event(row)["property_id"] for row in outcomes.results] == ["K", "B", "K", "X", "B"]
    assert outcomes.tally == {("KING", None): 2, ("BENTON", None): 2, ("KING", "property_not_found"): 1}


async def test_the_same_job_twice_gives_one_result_and_one_count() -> None:
    using = collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine())
    sightings = Sightings(Window())
    twice = [FakeRecord(at, request_value("P1", _JOB)) for at in range(2)]
    first = handled(batch_of(twice, sightings), using)
    assert len(first.results) == 1
    assert first.duplicates == 1
    again = handled(batch_of(twice, sightings, ticket=1), using)
    assert again.results == []
    assert again.duplicates == 2
    assert again.tally == {}


async def test_a_result_that_the_broker_would_refuse_fails_with_a_short_message() -> None:
    engine = FakeEngine(padding={"P2": 40_000})
    records = [FakeRecord(at, request_value(f"P{at}")) for at in range(1, 4)]
    roll = FakeRoll.of("BENTON", "P1", "P2", "P3")
    outcomes = handled(batch_of(records, record_limit=20_000), collaborators(roll, engine))
    assert _reasons(outcomes) == [None, "processing_exception", None]
    assert read_event(outcomes.results[1])["message"].startswith("Processing error: the result has 40")
    assert outcomes.tally == {("BENTON", None): 2, ("BENTON", "processing_exception"): 1}


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.binary(max_size=60),
            st.sampled_from(["P1", "P2", "X", "PROP_FAIL_SIMULATION", "BAD"]).map(request_value),
            st.just(request_value("P1", _JOB)),
            st.just(orjson.dumps({"job_id": str(uuid4()), "property_id": 5})),
            st.just(orjson.dumps({"property_id": ["P1"], "county_id": "BENTON"})),
        ),
        max_size=30,
    ),
    st.integers(1, 30),
)
@settings(deadline=None)
async def test_every_record_comes_to_a_result_a_dead_letter_or_a_duplicate(
    values: list[bytes | None], slice_: int
) -> None:
    engine = FakeEngine(raises={"BAD": ValueError("bad")})
    using = collaborators(FakeRoll.of("BENTON", "P1", "P2", "PROP_FAIL_SIMULATION", "BAD"), engine)
    batch = batch_of([FakeRecord(at, value) for at, value in enumerate(values)])
    works = [
        begin(batch, batch.records[first : first + slice_], first, using) for first in range(0, len(values), slice_)
    ]
    for work in works:
        if work.missing:
            complete(work, batch, using)
    outcomes = gather(works)
    jobs = [read_event(row)["job_id"] for row in outcomes.results]
    assert max(Counter(jobs).values(), default=1) == 1
    failed_at_once = sum(reason == "invalid_request" for reason in _reasons(outcomes))
    assert len(jobs) + len(outcomes.dead_letters) - failed_at_once + outcomes.duplicates >= len(values)
    assert sum(outcomes.tally.values()) == len(jobs) == len(outcomes.created_ms)
    assert sum(count for _, _, count in outcomes.durations) == len(jobs)
    assert len(outcomes.dead_positions) == len(outcomes.dead_letters)
