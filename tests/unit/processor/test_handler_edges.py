"""The handler at its edges: who is asked for what, how time is told, and what is carried on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count

import orjson
import pytest

from processor.batch import Outcomes, Traced
from processor.dedupe import Sightings, Window
from processor.handler import Collaborators, begin, gather
from processor.valuation.frame import InsufficientData, Subjects
from schemas.cloudevents import header
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

TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
NOW = "2023-11-14T22:13:21.000Z"


def _using(**more: object) -> Collaborators:
    plain = collaborators(FakeRoll.of("BENTON", "P1", "P2"), FakeEngine())
    return replace(plain, **more)  # type: ignore[arg-type] # collaborators by name


async def _outcomes(
    *records: FakeRecord, record_limit: int = 1_000_000, using: Collaborators | None = None
) -> Outcomes:
    return handled(batch_of(records, record_limit=record_limit), using or _using())


@dataclass(slots=True)
class _Engines:
    """Each county has an engine of its own."""

    of: Mapping[str, FakeEngine]

    def engine(self, county_id: str) -> FakeEngine | None:
        return self.of.get(county_id)


class _Hinted(FakeEngine):
    """Answers with the hints it was given."""

    def value(self, subjects: Subjects) -> list[bytes | InsufficientData]:
        return [orjson.dumps({"hint": hint}) for hint in subjects.method_hint]


async def test_a_county_is_valued_by_its_own_engine_and_one_without_is_named() -> None:
    benton, king = FakeEngine(), FakeEngine()
    roll = FakeRoll({name: FakeCounty({"P": {}}) for name in ("BENTON", "KING", "YAKIMA")})
    records = [
        FakeRecord(at, request_value("P", county_id=name)) for at, name in enumerate(("KING", "BENTON", "YAKIMA"))
    ]
    outcomes = await _outcomes(*records, using=_using(roll=roll, engines=_Engines({"BENTON": benton, "KING": king})))
    assert [len(each.asked) for each in (benton, king)] == [1, 1]
    assert read_event(outcomes.results[2])["message"] == "No valuation model serves county YAKIMA yet."


async def test_the_method_that_was_asked_for_reaches_the_engine() -> None:
    records = [FakeRecord(0, request_value("P1", valuation_method_hint="cost")), FakeRecord(1, request_value("P2"))]
    outcomes = await _outcomes(*records, using=_using(engines=_Hinted()))
    assert [read_event(row)["result"] for row in outcomes.results] == [{"hint": "cost"}, {"hint": None}]


async def test_jobs_that_are_not_to_be_valued_do_not_split_the_question_for_the_others() -> None:
    engine = FakeEngine()
    roll = FakeRoll.of("BENTON", "P1", "P2", "PROP_FAIL_SIMULATION")
    records = [FakeRecord(at, request_value(name)) for at, name in enumerate(("P1", "X", "PROP_FAIL_SIMULATION", "P2"))]
    await _outcomes(*records, using=_using(roll=roll, engines=engine))
    assert [list(asked.property_id) for asked in engine.asked] == [["P1", "P2"]]


async def test_an_engine_that_forgets_an_answer_is_told_apart_from_a_bad_request() -> None:
    outcomes = await _outcomes(FakeRecord(0, request_value("P1")), using=_using(engines=FakeEngine(short=True)))
    assert read_event(outcomes.results[0])["message"] == "Processing error: 0 values for 1 properties"


async def test_traces_go_on_with_results_of_every_kind_and_are_told_with_how_the_job_ended() -> None:
    headers = [("traceparent", TRACE)]
    records = [
        FakeRecord(0, request_value("P1", job_id(1)), headers=headers),
        FakeRecord(1, request_value("X", job_id(2)), headers=headers),
        FakeRecord(2, request_value("P2", job_id(3))),
        FakeRecord(3, orjson.dumps({"job_id": job_id(4), "property_id": 5}), headers=headers),
    ]
    outcomes = await _outcomes(*records)
    traces = [header(read_row(row).headers, "traceparent") for row in outcomes.results]
    assert traces == [TRACE, TRACE, None, TRACE]
    assert list(outcomes.traced) == [
        Traced(job_id(1), TRACE, None),
        Traced(job_id(2), TRACE, "property_not_found"),
        Traced(job_id(4), TRACE, "invalid_request"),
    ]


@pytest.mark.parametrize(("length", "kept"), [(256, True), (257, False)])
async def test_what_is_too_long_for_a_trace_is_left_behind(length: int, kept: bool) -> None:  # noqa: FBT001 - a table
    outcomes = await _outcomes(FakeRecord(0, request_value("P1"), headers=[("traceparent", b"x" * length)]))
    assert (header(read_row(outcomes.results[0]).headers, "traceparent") is not None) is kept


@pytest.mark.parametrize(("timestamp", "created"), [(0, "1970-01-01T00:00:00.000Z"), (-1, NOW)])
async def test_a_job_was_created_when_its_record_was_or_else_now(timestamp: int, created: str) -> None:
    bad = orjson.dumps({"job_id": job_id(1), "property_id": "P1"})
    records = [FakeRecord(0, bad, timestamp=timestamp), FakeRecord(1, request_value("P1"), timestamp=timestamp)]
    outcomes = await _outcomes(*records)
    assert [read_event(row)["created_at"] for row in outcomes.results] == [created, created]
    assert [read_event(row)["started_at"] for row in outcomes.results] == [NOW, NOW]


async def test_invalid_requests_between_valid_ones_keep_everybodys_answer_in_its_place() -> None:
    bad = [orjson.dumps({"job_id": job_id(at), "property_id": f"B{at}"}) for at in range(4)]
    good = [request_value("P1", job_id(10 + at)) for at in range(4)]
    values = [good[0], good[1], bad[0], good[2], bad[1], bad[2], good[3], bad[3]]
    outcomes = await _outcomes(*(FakeRecord(at, value) for at, value in enumerate(values)))
    assert outcomes.records == 8
    ends = [(read_event(row)["property_id"], read_event(row)["failure_reason"]) for row in outcomes.results]
    reasons = {"P1": None} | {f"B{at}": "invalid_request" for at in range(4)}
    assert ends == [(name, reasons[name]) for name in ("P1", "P1", "B0", "P1", "B1", "B2", "P1", "B3")]


async def test_processing_time_is_what_passes_from_the_beginning_to_the_outcome() -> None:
    ticks: Iterator[int] = count(100, 7)
    outcomes = await _outcomes(FakeRecord(0, request_value("P1")), using=_using(elapsed=lambda: float(next(ticks))))
    assert list(outcomes.durations) == [("BENTON", 7.0, 1)]


@pytest.mark.parametrize("size", range(14_300, 15_400, 37))
async def test_no_result_takes_more_than_the_broker_accepts_and_none_that_fits_is_refused(size: int) -> None:
    limit = 16_384
    engine = FakeEngine(padding={"P1": size})
    record = FakeRecord(0, request_value("P1", job_id(1)), headers=[("traceparent", TRACE)])
    outcomes = await _outcomes(record, record_limit=limit, using=_using(engines=engine))
    row = outcomes.results[0]
    assert len(row) <= limit
    whole = await _outcomes(record, using=_using(engines=engine))
    fits = len(read_row(whole.results[0]).value or b"") <= limit - 1_024
    assert (read_event(row)["status"] == "COMPLETED") is fits


async def test_the_largest_result_that_is_accepted_fills_its_allowance_to_the_byte() -> None:
    plain = await _outcomes(
        FakeRecord(0, request_value("P1", job_id(1))), using=_using(engines=FakeEngine(padding={"P1": 1}))
    )
    size = len(read_row(plain.results[0]).value or b"")
    for padding, status in ((16_384 - 1_024 - size + 1, "COMPLETED"), (16_384 - 1_024 - size + 2, "FAILED")):
        engine = FakeEngine(padding={"P1": padding})
        record = FakeRecord(0, request_value("P1", job_id(1)))
        outcomes = await _outcomes(record, record_limit=16_384, using=_using(engines=engine))
        assert read_event(outcomes.results[0])["status"] == status


async def test_counties_of_which_nothing_is_known_are_counted_together() -> None:
    records = [FakeRecord(at, request_value("P", county_id=f"c{at}")) for at in range(5)]
    assert (await _outcomes(*records, using=_using(engines=NoEngines()))).tally == {("OTHER", "property_not_found"): 5}


async def test_a_record_with_a_job_id_for_its_key_is_that_job() -> None:
    outcomes = await _outcomes(FakeRecord(0, request_value("P1"), key=job_id(5).encode()))
    assert read_event(outcomes.results[0])["job_id"] == job_id(5)


async def test_the_dead_letters_of_a_later_slice_stand_where_they_stood_in_the_batch() -> None:
    batch = batch_of([FakeRecord(at, value) for at, value in enumerate([request_value("P1"), b"{", b"{"])])
    works = [begin(batch, batch.records[first : first + 1], first, _using()) for first in range(3)]
    assert gather(works).dead_positions == [1, 2]


async def test_jobs_are_settled_with_the_ticket_of_their_batch() -> None:
    window = Window(10)
    sightings = Sightings(window)
    handled(batch_of([FakeRecord(0, request_value("P1", job_id(1)))], sightings, ticket=4), _using())
    sightings.settle(4)
    assert Sightings(window).enter(0, [job_id(1)]) == [0]
