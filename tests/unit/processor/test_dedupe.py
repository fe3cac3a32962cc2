"""The dedupe window recognises exactly the jobs of the last requests, however they come in."""

from collections import deque
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.dedupe import Sightings, Window, job_numbers

_IDS = [str(UUID(int=number)) for number in (*range(12), *(2**128 - 1 - n for n in range(12)))]
_BATCHES = st.lists(st.lists(st.sampled_from(_IDS), max_size=40), max_size=40)


def _known(window: Window, job_ids: list[str]) -> list[bool]:
    positions = set(window.known(job_numbers(job_ids)))
    return [at in positions for at in range(len(job_ids))]


def _add(window: Window, job_ids: list[str]) -> None:
    window.add(job_numbers(job_ids))


@given(batches=_BATCHES, size=st.integers(1, 30))
@settings(max_examples=300)
def test_the_window_agrees_with_a_plain_queue(batches: list[list[str]], size: int) -> None:
    window, plain = Window(size), deque[str](maxlen=size)
    for batch in batches:
        assert _known(window, batch) == [job_id in plain for job_id in batch]
        _add(window, batch)
        plain.extend(batch)
        assert len(window) == len(plain)


@given(st.lists(st.uuids(), min_size=1, max_size=200, unique=True))
def test_one_at_a_time_and_all_at_once_come_to_the_same(ids: list[UUID]) -> None:
    job_ids = [str(one) for one in ids]
    together, singly = Window(1_000), Window(1_000)
    _add(together, job_ids)
    for job_id in job_ids:
        _add(singly, [job_id])
    assert _known(together, job_ids) == [True] * len(ids)
    assert [_known(singly, [job_id]) for job_id in job_ids] == [[True]] * len(ids)
    others = [str(uuid4()) for _ in ids]
    assert not any(_known(together, others))
    assert not any(_known(singly, others))


def test_a_hundred_thousand_jobs_are_remembered_and_the_one_before_them_is_not() -> None:
    job_ids = [str(UUID(int=number << 64 | number)) for number in range(250_001)]
    window = Window(100_000)
    for start in range(0, len(job_ids), 7_000):
        _add(window, job_ids[start : start + 7_000])
    assert all(_known(window, job_ids[-100_000:]))
    assert not any(_known(window, job_ids[:-100_000]))


def test_twelve_full_windows_take_less_than_forty_megabytes() -> None:
    window = Window(100_000)
    held = sum(part.nbytes for part in (window._ring, window._table))
    assert 12 * held < 40e6


def test_a_job_is_new_once() -> None:
    sightings = Sightings(Window(10))
    first, second = _IDS[:2]
    assert sightings.enter(0, [first, second, first]) == [2]
    assert sightings.enter(1, [second]) == [0]


def test_a_job_in_hand_is_seen_before_its_transaction_has_committed_and_after() -> None:
    sightings = Sightings(Window(10))
    job_id = _IDS[0]
    sightings.enter(0, [job_id])
    assert sightings.enter(1, [job_id]) == [0]
    sightings.settle(0)
    assert sightings.enter(2, [job_id]) == [0]


def test_a_repeated_job_stays_seen_when_the_first_of_its_batches_is_settled() -> None:
    window = Window(1)
    sightings = Sightings(window)
    first, other = _IDS[:2]
    sightings.enter(0, [first])
    sightings.enter(1, [first])
    sightings.enter(2, [other])
    sightings.settle(0)
    _add(window, [_IDS[5]])
    assert sightings.enter(3, [first]) == [0], "batch 1 still has it in hand"


def test_what_never_committed_is_forgotten_with_its_run() -> None:
    window = Window(10)
    Sightings(window).enter(0, [_IDS[0]])
    assert Sightings(window).enter(0, [_IDS[0]]) == []


@pytest.mark.parametrize("count", [1, 24, 25, 500])
def test_a_batch_of_any_size_is_found_again(count: int) -> None:
    window, job_ids = Window(1_000), [str(uuid4()) for _ in range(count)]
    _add(window, job_ids)
    assert all(_known(window, job_ids))


def test_a_batch_larger_than_the_window_leaves_its_last_jobs() -> None:
    window = Window(3)
    _add(window, _IDS[:10])
    assert _known(window, _IDS[:10]) == [False] * 7 + [True] * 3


def test_settling_one_batch_settles_no_other() -> None:
    window = Window(100)
    lane = Sightings(window)
    lane.enter(1, [_IDS[1]])
    lane.enter(2, [_IDS[2]])
    lane.settle(1)
    lane.settle(7)
    heir = Sightings(window)
    assert heir.enter(1, [_IDS[1], _IDS[2]]) == [0]
