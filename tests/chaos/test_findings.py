"""An anomaly names whose it is and where, so that somebody can look there: what is planted is found at its place."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from tests.chaos.anomalies import Anomaly, Kind
from tests.chaos.checker import check
from tests.chaos.clean_run import clean_run, result_of
from tests.chaos.history import Asked, DeadLetter, Outcome, Polled, Result, Sent, Viewed
from tests.chaos.plants import PLANTS

TOPIC_SAYS: Final = "('P-COMPLETED', 'BENTON', 'COMPLETED', None)"
FINDINGS: Final = f"""
no_answer: UNANSWERED b http
acknowledged_by_kafka_and_gone: LOST_REQUEST elsewhere kafka 1/1
another_record_at_the_acknowledged_offset: LOST_REQUEST c kafka 0/3
another_record_at_the_acknowledged_offset: OUT_OF_ORDER simulated 0/8: 4 after 8
a_202_and_nothing_on_the_topic: LOST_REQUEST b http None/None
a_202_and_nothing_on_the_topic: STRAY b 0/4
a_retry_gave_another_job: TWO_JOBS b b, b2
refused_and_published: REFUSED_PUBLISHED refused
nobody_asked: UNKNOWN_REQUEST who 0/30
no_result: LOST c completed
no_result: VANISHED c 0/6
no_result: VIEW_WRONG c answered COMPLETED, 0 such results on the topic
no_result: VIEW_WRONG c COMPLETED and no result on the topic
a_202_without_result: ACCEPTED_WITHOUT_END b completed
two_results: DOUBLED c 0/6, 0/31
two_results_in_two_partitions: DOUBLED c 0/6, 1/31
two_results_in_two_partitions: ELSEWHERE c from 0 to 1
a_result_without_request: STRAY ghost 0/41
a_result_without_request: UNSEEN ghost
a_result_for_poison: STRAY poison 0/41
another_property: WRONG c property_id: P-COMPLETED became P-2
another_property: VIEW_WRONG c {TOPIC_SAYS} instead of ('P-2', 'BENTON', 'COMPLETED', None)
another_county: WRONG b county_id: BENTON became KING
another_hint: WRONG missing valuation_method_hint: cost became None
another_date: WRONG a valuation_date: 2026-01-01 became 2026-01-02
another_key: WRONG a key: a became b
a_value_became_a_failure: WRONG a status: COMPLETED became FAILED; failure_reason: None became processing_exception
completed_without_a_value: WRONG a has a result: True became False
another_reason: WRONG invalid failure_reason: invalid_request became insufficient_data
another_partition: ELSEWHERE c from 0 to 1
swapped: OUT_OF_ORDER b 0/4: 2 after 3
swapped: OUT_OF_ORDER a 0/6: 1 after 2
read_and_gone: VANISHED c 0/1234
read_as_something_else: VANISHED a 0/6
not_received: SKIPPED c 0/6: 0 times
received_twice: REPEATED c 0/6: 2 times
no_dead_letter: DEAD_LETTER_LOST poison 0/6
only_the_result_of_an_invalid_request: DEAD_LETTER_LOST invalid 0/7
two_dead_letters: DEAD_LETTER_DOUBLED poison 2 dead letters
a_valid_request_among_the_dead: DEAD_LETTER_STRAY c invalid_request
a_dead_letter_of_no_record: DEAD_LETTER_STRAY 5/3 1, no such record
other_bytes: DEAD_LETTER_WRONG poison 0/6
no_reason: DEAD_LETTER_WRONG poison 0/6
a_404_after_the_202: FORGOTTEN b
finished_and_pending: BACKWARDS b COMPLETED, later PENDING
completed_and_failed: BACKWARDS b COMPLETED, later FAILED
completed_and_failed: VIEW_WRONG b answered FAILED, 1 such results on the topic
not_in_the_view: UNSEEN c
pending_for_ever_in_the_view: VIEW_WRONG c ('P-COMPLETED', 'BENTON', 'PENDING', None) instead of {TOPIC_SAYS}
listed_twice: VIEW_WRONG c listed 2 times
in_the_view_alone: VIEW_WRONG ghost COMPLETED and no result on the topic
answered_completed_before_it_was: VIEW_WRONG missing answered COMPLETED, 1 such results on the topic
counted_once_too_often: UNBALANCED worker-0 at 500: 7 submitted, 4 completed, 2 failed, 6
observed_too_seldom: UNBALANCED worker-0 at 500: 6 submitted, 4 completed, 2 failed, 5
"""


def _found(name: str) -> list[str]:
    (spoil,) = (each for _, each in PLANTS if each.__name__.strip("_") == name)
    history = clean_run()
    spoil(history)
    return [_line(each) for each in check(history)]


def _line(anomaly: Anomaly) -> str:
    between = ": " if anomaly.kind is Kind.UNBALANCED else " "
    return f"{anomaly.kind.name} {anomaly.subject}{between if anomaly.detail else ''}{anomaly.detail}"


def _lines() -> Iterator[tuple[str, str]]:
    for line in FINDINGS.strip().splitlines():
        name, _, finding = line.partition(": ")
        yield name, finding


@pytest.mark.parametrize(("name", "finding"), list(_lines()))
def test_what_is_planted_is_found_at_its_place(name: str, finding: str) -> None:
    assert finding in _found(name)


@pytest.mark.parametrize("name", ["no_result", "no_dead_letter", "not_in_the_view", "counted_once_too_often"])
def test_what_is_broken_once_is_told_once(name: str) -> None:
    found = _found(name)
    assert len(found) == len(set(found))


def test_different_values_for_the_same_inputs_are_told_with_the_inputs() -> None:
    history = clean_run()
    result = next(each for each in history if isinstance(each, Result) and each.job_id == "a")
    history[history.index(result)] = replace(result, digest="another")
    found = [each for each in check(history) if each.kind is Kind.UNEQUAL]
    assert [each.detail for each in found] == ["2 different results"]
    assert found[0].subject.startswith("BENTON P-COMPLETED cost 2026-01-01 v1")


def test_a_loss_behind_poison_is_found_too() -> None:
    history = [each for each in clean_run() if not (isinstance(each, Result) and each.job_id == "elsewhere")]
    assert Anomaly(Kind.LOST, "elsewhere", "completed") in check(history)


def test_a_wrong_result_behind_one_that_nobody_asked_for_is_found_too() -> None:
    ghost = replace(next(each for each in clean_run() if isinstance(each, Asked)), token="ghost")
    history = [*result_of(ghost, 0, 0), *clean_run()]
    result = next(each for each in history if isinstance(each, Result) and each.job_id == "c")
    history[history.index(result)] = replace(result, property_id="P-2")
    assert Kind.WRONG in {each.kind for each in check(history)}


def test_a_partition_without_an_offset_is_no_place_to_look_at() -> None:
    history = clean_run()
    sent = next(each for each in history if isinstance(each, Sent) and each.token == "c")
    history[history.index(sent)] = replace(sent, offset=None)
    assert check(history) == []


def test_a_dead_letter_is_told_apart_from_its_neighbours() -> None:
    history = clean_run()
    letter = next(each for each in history if isinstance(each, DeadLetter))
    history[history.index(letter)] = replace(letter, from_offset=letter.from_offset + 500)
    kinds = {each.kind for each in check(history)}
    assert {Kind.DEAD_LETTER_LOST, Kind.DEAD_LETTER_STRAY} <= kinds


def _polled_404(*sent: Sent, at_ms: int, job_id: str = "b") -> list[Anomaly]:
    return check([*clean_run(), *sent, Polled(job_id, at_ms, 404, None)])


def test_a_job_must_be_known_from_the_very_moment_of_its_first_acknowledgement() -> None:
    forgotten = Anomaly(Kind.FORGOTTEN, "b")
    assert forgotten not in _polled_404(at_ms=6)
    assert forgotten in _polled_404(at_ms=7)
    assert forgotten in _polled_404(Sent("b", 8, 30, Outcome.ACKNOWLEDGED, "b"), at_ms=20)


def test_a_job_is_asked_for_by_the_id_that_the_caller_was_given() -> None:
    given = Sent("b", 8, 30, Outcome.ACKNOWLEDGED, "b-job")
    assert Anomaly(Kind.FORGOTTEN, "b-job") in _polled_404(given, at_ms=40, job_id="b-job")


def test_an_early_404_hides_nothing_that_comes_later() -> None:
    history = [*clean_run(), Polled("b", 1, 404, None), Polled("b", 1_000, 200, "PENDING")]
    assert Anomaly(Kind.BACKWARDS, "b", "COMPLETED, later PENDING") in check(history)


def test_a_pending_job_in_the_view_must_have_been_asked_for() -> None:
    nobodys = Viewed("nobody", "P", "BENTON", "PENDING", None)
    assert {each.subject for each in check([*clean_run(), nobodys]) if each.kind is Kind.VIEW_WRONG} == {"nobody"}
    waiting = [each for each in clean_run() if getattr(each, "job_id", None) != "c"]
    pending = Viewed("c", "P-COMPLETED", "BENTON", "PENDING", None)
    assert Kind.VIEW_WRONG not in {each.kind for each in check([*waiting, pending])}


def test_of_two_polls_at_the_same_time_neither_is_the_later_one() -> None:
    first = Polled("b", 500, 200, "COMPLETED", answered_ms=900)
    during, after = (Polled("b", at_ms, 200, "PENDING", answered_ms=950) for at_ms in (899, 900))
    waiting = [each for each in clean_run() if not (isinstance(each, Polled) and each.job_id == "b")]
    assert Kind.BACKWARDS not in {each.kind for each in check([*waiting, first, during])}
    assert Anomaly(Kind.BACKWARDS, "b", "COMPLETED, later PENDING") in check([*waiting, first, after])
