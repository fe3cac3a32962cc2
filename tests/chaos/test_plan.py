"""Plans and workloads come out of their seeds, as often and as mixed as asked for."""

from collections import Counter
from itertools import pairwise
from uuid import UUID

import pytest

from tests.chaos.history import End, Via
from tests.chaos.plan import KINDS, SESSION_SECONDS, Part, plan
from tests.chaos.scenarios import MIXES, faults_of
from tests.chaos.workload import Mix, Workload

_TARGETS = {Part.WORKER: 3, Part.GATEWAY: 1, Part.BROKER: 3, Part.NETWORK: 3}


def test_a_seed_gives_one_plan() -> None:
    counts = faults_of("all", 44)
    assert plan(7, 50, counts, _TARGETS) == plan(7, 50, counts, _TARGETS)
    assert plan(7, 50, counts, _TARGETS) != plan(8, 50, counts, _TARGETS)


def test_every_kind_comes_as_often_as_asked_for_and_within_the_time() -> None:
    counts = faults_of("all", 44)
    faults = plan(7, 50, counts, _TARGETS)
    assert Counter(fault.kind.name for fault in faults) == counts
    assert all(0 <= fault.at <= 50 for fault in faults)
    assert all(before.at <= after.at for before, after in pairwise(faults))


def test_every_target_is_hit() -> None:
    faults = plan(7, 50, faults_of("all", 44), _TARGETS)
    hit = Counter((fault.kind.part, fault.target) for fault in faults)
    assert set(hit) == {(part, target) for part, count in _TARGETS.items() for target in range(count)}


def test_a_short_pause_stays_within_the_session_and_a_freeze_outlasts_it() -> None:
    assert KINDS["worker-pause"].seconds[1] < SESSION_SECONDS < KINDS["worker-freeze"].seconds[0]


@pytest.mark.parametrize("mix", [name for name in MIXES if name != "none"])
@pytest.mark.parametrize("count", [4, 44, 1000])
def test_a_mix_has_each_kind_and_at_least_the_number_asked_for(mix: str, count: int) -> None:
    faults = faults_of(mix, count)
    assert sum(faults.values()) >= count
    assert min(faults.values()) >= 1
    assert set(faults) <= set(KINDS)


def test_one_kind_alone_is_a_mix_too() -> None:
    assert faults_of("worker-freeze", 7) == {"worker-freeze": 7}


def test_a_seed_gives_one_workload() -> None:
    mix = Mix(3, ["PROP123"], http_share=0.1)
    assert list(Workload(mix).orders(500, 0, 100)) == list(Workload(mix).orders(500, 0, 100))


def test_orders_are_due_at_the_rate_and_no_two_are_the_same() -> None:
    orders = list(Workload(Mix(3, ["PROP123"], http_share=0.1)).orders(5000, 1000, 500))
    assert [order.asked.due_ms for order in orders[:3]] == [1000, 1002, 1004]
    assert orders[-1].asked.due_ms == 1000 + 4999 * 2
    assert len({order.asked.token for order in orders}) == len(orders)
    assert all(str(UUID(order.asked.token.removeprefix("poison-"))) for order in orders)


def test_a_workload_holds_every_kind_of_request_over_both_ways() -> None:
    orders = list(Workload(Mix(3, ["PROP123", "P2"], http_share=0.1)).orders(5000, 0, 500))
    ends = Counter(order.asked.end for order in orders)
    assert set(ends) == set(End)
    assert ends[End.COMPLETED] > 4500
    over_http = [order for order in orders if order.asked.via is Via.HTTP]
    assert 350 < len(over_http) < 650
    assert all(order.asked.end not in (End.POISON, End.INVALID) for order in over_http)
    assert any(order.again for order in orders)
