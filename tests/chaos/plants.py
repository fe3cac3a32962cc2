"""Every anomaly that the checker must find, as a change to a clean run; each kind is here at least once."""

from dataclasses import replace

from tests.chaos.anomalies import Kind
from tests.chaos.clean_run import History, result_of
from tests.chaos.history import (
    Asked,
    Changed,
    DeadLetter,
    Outcome,
    Polled,
    Request,
    Result,
    Scrape,
    Seen,
    Sent,
    Viewed,
)
from tests.chaos.planting import PLANTS, Spoil, change, one, plants

__all__ = ["PLANTS", "Spoil"]


@plants(Kind.UNANSWERED)
def _no_answer(history: History) -> None:
    change(history, one(history, Sent, token="b"), outcome=Outcome.AMBIGUOUS)


@plants(Kind.LOST_REQUEST)
def _acknowledged_by_kafka_and_gone(history: History) -> None:
    history.remove(one(history, Request, token="elsewhere"))
    history[:] = [each for each in history if getattr(each, "job_id", None) != "elsewhere" or isinstance(each, Sent)]


@plants(Kind.LOST_REQUEST)
def _another_record_at_the_acknowledged_offset(history: History) -> None:
    change(history, one(history, Request, token="c", offset=3), token="a")


@plants(Kind.LOST_REQUEST)
def _a_202_and_nothing_on_the_topic(history: History) -> None:
    history.remove(one(history, Request, token="b"))


@plants(Kind.TWO_JOBS)
def _a_retry_gave_another_job(history: History) -> None:
    history += [Sent("b", 20, 21, Outcome.ACKNOWLEDGED, "b2"), Request(0, 20, "b2", "bytes of b")]
    history += result_of(replace(one(history, Asked, token="b"), token="b2"), 0, 20)


@plants(Kind.REFUSED_PUBLISHED)
def _refused_and_published(history: History) -> None:
    history.append(Request(0, 30, "refused", ""))
    history += result_of(one(history, Asked, token="refused"), 0, 30)


@plants(Kind.UNKNOWN_REQUEST)
def _nobody_asked(history: History) -> None:
    history.append(Request(0, 30, "who", ""))


@plants(Kind.LOST)
def _no_result(history: History) -> None:
    history.remove(one(history, Result, job_id="c"))


@plants(Kind.ACCEPTED_WITHOUT_END)
def _a_202_without_result(history: History) -> None:
    history.remove(one(history, Result, job_id="b"))


@plants(Kind.DOUBLED)
def _two_results(history: History) -> None:
    first = one(history, Result, job_id="c")
    history += [replace(first, offset=31), Seen("c", 0, 31, 99)]


@plants(Kind.DOUBLED)
def _two_results_in_two_partitions(history: History) -> None:
    first = one(history, Result, job_id="c")
    history += [replace(first, offset=31, partition=1), Seen("c", 1, 31, 99)]


@plants(Kind.STRAY)
def _a_result_without_request(history: History) -> None:
    history += [replace(one(history, Result, job_id="c"), job_id="ghost", key="ghost", offset=41)]


@plants(Kind.STRAY)
def _a_result_for_poison(history: History) -> None:
    history += [replace(one(history, Result, job_id="invalid"), job_id="poison", key="poison", offset=41)]


@plants(Kind.WRONG)
def _another_property(history: History) -> None:
    change(history, one(history, Result, job_id="c"), property_id="P-2")


@plants(Kind.WRONG)
def _another_county(history: History) -> None:
    change(history, one(history, Result, job_id="b"), county_id="KING")


@plants(Kind.WRONG)
def _another_hint(history: History) -> None:
    change(history, one(history, Result, job_id="missing"), hint=None)


@plants(Kind.WRONG)
def _another_date(history: History) -> None:
    change(history, one(history, Result, job_id="a"), valuation_date="2026-01-02")


@plants(Kind.WRONG)
def _another_key(history: History) -> None:
    change(history, one(history, Result, job_id="a"), key="b")


@plants(Kind.WRONG)
def _a_failure_became_a_value(history: History) -> None:
    change(history, one(history, Result, job_id="simulated"), status="COMPLETED", failure_reason=None, digest="d")


@plants(Kind.WRONG)
def _a_value_became_a_failure(history: History) -> None:
    change(history, one(history, Result, job_id="a"), status="FAILED", failure_reason="processing_exception")


@plants(Kind.WRONG)
def _completed_without_a_value(history: History) -> None:
    change(history, one(history, Result, job_id="a"), digest=None)


@plants(Kind.WRONG)
def _another_reason(history: History) -> None:
    change(history, one(history, Result, job_id="invalid"), failure_reason="insufficient_data")


@plants(Kind.UNEQUAL)
def _another_value_for_the_same_inputs(history: History) -> None:
    change(history, one(history, Result, job_id="c"), digest="another")


@plants(Kind.UNEQUAL)
def _another_value_for_the_same_record_of_a_changing_property(history: History) -> None:
    result = one(history, Result, job_id="a")
    history.append(Changed(result.property_id, 1, 2))
    change(history, result, digest="another")


@plants(Kind.UNEQUAL)
def _a_value_from_a_record_that_never_was(history: History) -> None:
    result = one(history, Result, job_id="a")
    history.append(Changed(result.property_id, 1, 2))
    change(history, result, digest="another", inputs="of no record")


@plants(Kind.ELSEWHERE)
def _another_partition(history: History) -> None:
    change(history, one(history, Result, job_id="c"), partition=1, offset=77)


@plants(Kind.OUT_OF_ORDER)
def _swapped(history: History) -> None:
    first, second = one(history, Result, job_id="a"), one(history, Result, job_id="c")
    change(history, first, offset=second.offset)
    change(history, second, offset=first.offset)


@plants(Kind.VANISHED)
def _read_and_gone(history: History) -> None:
    history.append(Seen("c", 0, 1234, 60))


@plants(Kind.VANISHED)
def _read_as_something_else(history: History) -> None:
    change(history, one(history, Seen, job_id="c"), job_id="a")


@plants(Kind.SKIPPED)
def _not_received(history: History) -> None:
    history.remove(one(history, Seen, job_id="c"))


@plants(Kind.REPEATED)
def _received_twice(history: History) -> None:
    history.append(one(history, Seen, job_id="c"))


@plants(Kind.DEAD_LETTER_LOST)
def _no_dead_letter(history: History) -> None:
    history.remove(one(history, DeadLetter, from_offset=6))


@plants(Kind.DEAD_LETTER_LOST)
def _only_the_result_of_an_invalid_request(history: History) -> None:
    history.remove(one(history, DeadLetter, from_offset=7))


@plants(Kind.DEAD_LETTER_DOUBLED)
def _two_dead_letters(history: History) -> None:
    history.append(replace(one(history, DeadLetter, from_offset=6), offset=99))


@plants(Kind.DEAD_LETTER_STRAY)
def _a_valid_request_among_the_dead(history: History) -> None:
    history.append(DeadLetter(0, 98, 0, 3, "invalid_request", "bytes of c"))


@plants(Kind.DEAD_LETTER_STRAY)
def _a_dead_letter_of_no_record(history: History) -> None:
    history.append(DeadLetter(0, 98, 5, 3, "invalid_request", "bytes of c"))


@plants(Kind.DEAD_LETTER_WRONG)
def _other_bytes(history: History) -> None:
    change(history, one(history, DeadLetter, from_offset=6), digest="cut short")


@plants(Kind.DEAD_LETTER_WRONG)
def _no_reason(history: History) -> None:
    change(history, one(history, DeadLetter, from_offset=6), reason="")


@plants(Kind.FORGOTTEN)
def _a_404_after_the_202(history: History) -> None:
    history.append(Polled("b", 50, 404, None))


@plants(Kind.BACKWARDS)
def _finished_and_pending(history: History) -> None:
    history.append(Polled("b", 500, 200, "PENDING"))


@plants(Kind.BACKWARDS)
def _completed_and_failed(history: History) -> None:
    history.append(Polled("b", 500, 200, "FAILED"))


@plants(Kind.UNSEEN)
def _not_in_the_view(history: History) -> None:
    history.remove(one(history, Viewed, job_id="c"))


@plants(Kind.VIEW_WRONG)
def _pending_for_ever_in_the_view(history: History) -> None:
    change(history, one(history, Viewed, job_id="c"), status="PENDING")


@plants(Kind.VIEW_WRONG)
def _another_reason_in_the_view(history: History) -> None:
    change(history, one(history, Viewed, job_id="missing"), failure_reason="insufficient_data")


@plants(Kind.VIEW_WRONG)
def _listed_twice(history: History) -> None:
    history.append(one(history, Viewed, job_id="c"))


@plants(Kind.VIEW_WRONG)
def _in_the_view_alone(history: History) -> None:
    history.append(replace(one(history, Viewed, job_id="c"), job_id="ghost"))


@plants(Kind.VIEW_WRONG)
def _answered_completed_before_it_was(history: History) -> None:
    history.insert(0, Polled("missing", 0, 200, "COMPLETED"))


@plants(Kind.UNBALANCED)
def _counted_once_too_often(history: History) -> None:
    change(history, one(history, Scrape), submitted=7)


@plants(Kind.UNBALANCED)
def _observed_too_seldom(history: History) -> None:
    change(history, one(history, Scrape), observed=5)
