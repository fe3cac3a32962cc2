"""The checker finds every anomaly it claims to find, and nothing in a run that kept every guarantee."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.anomalies import Anomaly, Kind, group
from tests.chaos.checker import check
from tests.chaos.clean_run import clean_run
from tests.chaos.history import Asked, Changed, DeadLetter, End, Outcome, Polled, Result, Seen, Sent, Via, Viewed
from tests.chaos.plants import PLANTS, Spoil


def _kinds(anomalies: list[Anomaly]) -> set[Kind]:
    return {each.kind for each in anomalies}


def test_finds_nothing_in_a_run_that_kept_every_guarantee() -> None:
    assert check(clean_run()) == []


@pytest.mark.parametrize(("kind", "spoil"), PLANTS, ids=[spoil.__name__.strip("_") for _, spoil in PLANTS])
def test_finds_what_was_planted(kind: Kind, spoil: Spoil) -> None:
    history = clean_run()
    spoil(history)
    assert kind in _kinds(check(history))


def test_every_kind_of_anomaly_has_been_planted() -> None:
    assert {kind for kind, _ in PLANTS} == set(Kind)


def test_a_changed_property_may_have_as_many_values_as_records() -> None:
    history = clean_run()
    result = next(each for each in history if isinstance(each, Result) and each.job_id == "a")
    history += [Changed(result.property_id, 1, 2), Changed(result.property_id, 3, 4)]
    history[history.index(result)] = replace(result, digest="another", inputs="of the other record")
    assert check(history) == []


def test_a_404_before_the_202_is_no_anomaly() -> None:
    history = clean_run()
    history.append(Polled("b", 3, 404, None))
    assert check(history) == []


def test_an_invalid_request_may_be_unknown_until_it_has_failed() -> None:
    history = clean_run()
    history.append(Polled("invalid", 12, 404, None))
    assert check(history) == []


def test_an_ambiguous_request_that_was_never_written_needs_no_result_but_an_answer() -> None:
    history = clean_run()
    history.append(Asked("late", Via.KAFKA, End.COMPLETED, "P", "BENTON", None, "2026-01-01", 9))
    history.append(Sent("late", 9, 10, Outcome.AMBIGUOUS))
    assert check(history) == [Anomaly(Kind.UNANSWERED, "late", "kafka")]


def test_a_run_in_which_nothing_happened_kept_every_guarantee() -> None:
    assert check([]) == []


@given(st.permutations(range(len(clean_run()))))
def test_the_order_of_the_lines_says_nothing(order: list[int]) -> None:
    history = clean_run()
    assert check([history[index] for index in order]) == []


@given(st.data())
def test_any_record_that_is_missing_or_doubled_is_found(data: st.DataObject) -> None:
    history = clean_run()
    facts = [each for each in history if isinstance(each, Result | DeadLetter | Seen | Viewed)]
    chosen = data.draw(st.sampled_from(facts))
    if data.draw(st.booleans()):
        history.remove(chosen)
    else:
        history.append(replace(chosen, offset=chosen.offset + 1000) if isinstance(chosen, Result) else chosen)
    assert check(history) != []


def test_every_kind_has_its_word_in_the_report() -> None:
    words = {kind: group(kind) for kind in Kind}
    assert words[Kind.LOST] == "lost"
    assert words[Kind.DOUBLED] == "doubled"
    assert words[Kind.UNSEEN] == "unseen"
    assert words[Kind.WRONG] == words[Kind.OUT_OF_ORDER] == "wrong"
