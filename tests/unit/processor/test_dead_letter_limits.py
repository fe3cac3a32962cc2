"""A partition stops before it drains into the dead letters."""

import pytest

from processor.errors import Halted
from processor.lanes.limits import DeadLetterLimits, DeadLetterWatch


def _watch(consecutive: int = 5, percent: float = 50, sample: int = 20) -> DeadLetterWatch:
    return DeadLetterWatch(DeadLetterLimits(consecutive, percent, sample))


def test_more_in_a_row_than_allowed_stop_it() -> None:
    watch = _watch()
    watch.admit(5, [0, 1, 2, 3, 4])
    with pytest.raises(Halted, match="more than 5 records in a row"):
        watch.admit(1, [0])


def test_one_good_record_between_begins_a_new_row() -> None:
    watch = _watch(percent=100)
    for _ in range(10):
        watch.admit(6, [0, 1, 2, 4, 5])


def test_a_row_goes_on_from_batch_to_batch() -> None:
    watch = _watch()
    watch.admit(4, [2, 3])
    watch.admit(2, [0, 1])
    with pytest.raises(Halted):
        watch.admit(2, [0, 1])


def test_a_good_batch_ends_the_row() -> None:
    watch = _watch()
    watch.admit(5, [0, 1, 2, 3, 4])
    watch.admit(1, [])
    watch.admit(5, [0, 1, 2, 3, 4])


def test_too_many_among_the_last_records_stop_it() -> None:
    watch = _watch(consecutive=1_000)
    watch.admit(10, list(range(0, 10, 2)))
    with pytest.raises(Halted, match="55 % of the last 20"):
        watch.admit(10, [0, 1, 2, 3, 4, 5])


def test_a_few_records_are_no_sample() -> None:
    watch = _watch(consecutive=1_000)
    watch.admit(10, list(range(10)))


def test_what_lies_further_back_counts_no_more() -> None:
    watch = _watch(consecutive=1_000)
    watch.admit(15, list(range(15)))
    with pytest.raises(Halted):
        watch.admit(5, [0])
    watch = _watch(consecutive=1_000)
    watch.admit(15, list(range(9)))
    for _ in range(20):
        watch.admit(10, [0])
