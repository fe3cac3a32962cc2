"""Plans and workloads come out of their seeds, as often and as mixed as asked for."""

from collections import Counter
from itertools import islice
from uuid import UUID

import pytest

from tests.chaos.history import End, Via
from tests.chaos.plan import BROKER_SECONDS, KINDS, SESSION_SECONDS, Lanes, Part, PlannedFault, plan
from tests.chaos.scenarios import MIXES, faults_of
from tests.chaos.workload import Mix, Order, Workload

_TARGETS = {part: 3 if part in (Part.WORKER, Part.BROKER, Part.NETWORK) else 1 for part in Part}


def test_a_seed_gives_one_plan() -> None:
    counts = faults_of("all", 100)
    assert plan(7, counts, _TARGETS) == plan(7, counts, _TARGETS)
    assert plan(7, counts, _TARGETS) != plan(8, counts, _TARGETS)


def _faults(lanes: Lanes) -> list[PlannedFault]:
    return [fault for lane in lanes.values() for fault in lane]


def test_every_kind_comes_as_often_as_asked_for() -> None:
    counts = faults_of("all", 100) | {"worker-kill": 9}
    assert Counter(fault.kind.name for fault in _faults(plan(7, counts, _TARGETS))) == counts


@pytest.mark.parametrize("crowded", [False, True])
def test_wherever_a_lane_is_cut_short_its_kinds_have_come_about_as_often(*, crowded: bool) -> None:
    for lane in plan(7, faults_of("all", 1250), _TARGETS, crowded=crowded).values():
        names = {fault.kind.name for fault in lane if fault.kind.part is not Part.ROLLING}
        for length in range(0, len(lane), 7):
            counts = Counter(dict.fromkeys(names, 0))
            counts.update(fault.kind.name for fault in lane[:length] if fault.kind.part is not Part.ROLLING)
            assert max(counts.values()) - min(counts.values()) <= 1


def test_at_ease_only_the_gateway_breaks_beside_something_else() -> None:
    lanes = plan(7, faults_of("all", 250), _TARGETS)
    assert set(lanes) == {"system", "gateway", "data"}
    assert {fault.kind.part for fault in lanes["gateway"]} == {Part.GATEWAY, Part.DISK}
    assert {fault.kind.part for fault in lanes["data"]} == {Part.DATA}
    assert min(fault.calm for fault in _faults(lanes)) > 0


def test_crowded_every_part_has_a_lane_and_never_do_two_brokers_end_at_a_time() -> None:
    lanes = plan(7, faults_of("all", 250), {**_TARGETS, Part.ROLLING: 2}, crowded=True)
    assert set(lanes) == {"workers", "brokers", "network", "gateway", "data"}
    ended = {(fault.kind.part, fault.target) for fault in lanes["brokers"] if fault.kind.part is not Part.BROKER}
    assert ended == {(Part.ROLLING, 1)}
    assert {fault.kind.part for fault in lanes["workers"]} == {Part.WORKER, Part.ROLLING}


def test_data_alone_is_a_plan_too() -> None:
    assert len(_faults(plan(7, faults_of("data", 12), _TARGETS))) == 12


def test_every_target_is_hit() -> None:
    hit = Counter((fault.kind.part, fault.target) for fault in _faults(plan(7, faults_of("all", 100), _TARGETS)))
    assert set(hit) == {(part, target) for part, count in _TARGETS.items() for target in range(count)}


def test_a_part_that_is_not_there_is_left_alone() -> None:
    faults = _faults(plan(7, faults_of("all", 100), {**_TARGETS, Part.DISK: 0}))
    assert {fault.kind.part for fault in faults} == set(Part) - {Part.DISK}


def test_a_short_pause_stays_within_the_session_and_a_freeze_outlasts_it() -> None:
    assert KINDS["worker-pause"].seconds[1] < SESSION_SECONDS < KINDS["worker-freeze"].seconds[0]
    assert KINDS["broker-pause"].seconds[1] < BROKER_SECONDS < KINDS["broker-freeze"].seconds[0]


@pytest.mark.parametrize("mix", [name for name in MIXES if name != "none"])
@pytest.mark.parametrize("count", [4, 44, 1000])
def test_a_mix_has_each_kind_and_at_least_the_number_asked_for(mix: str, count: int) -> None:
    faults = faults_of(mix, count)
    assert sum(faults.values()) >= count
    assert min(faults.values()) >= 1
    assert set(faults) <= set(KINDS)


def test_one_kind_alone_is_a_mix_too() -> None:
    assert faults_of("worker-freeze", 7) == {"worker-freeze": 7}


def _orders(mix: Mix, count: int, rate: float = 100) -> list[Order]:
    return list(islice(Workload(mix).orders(1000 * (rate > 100), rate), count))


def test_a_seed_gives_one_workload() -> None:
    mix = Mix(3, ["PROP123"], http_share=0.1)
    assert _orders(mix, 500) == _orders(mix, 500)


def test_a_burst_comes_once_a_minute_beside_the_others() -> None:
    dues = [order.asked.due_ms for order in _orders(Mix(3, ["PROP123"], http_share=0.1, burst=50), 250, rate=2)]
    assert Counter(dues).most_common(2) == [(0, 51), (60_000, 51)]
    assert set(range(0, 60_000, 500)) <= set(dues)


def test_garbage_is_no_valid_request_and_a_probe_is_one() -> None:
    workload = Workload(Mix(3, ["PROP123"], http_share=0.1))
    assert {workload.garbage(0).asked.end for _ in range(50)} == {End.POISON, End.INVALID}
    assert workload.probe(5, "P9").asked.property_id == "P9"
    assert workload.probe(5, "P9").asked.via is Via.HTTP


def test_orders_are_due_at_the_rate_and_no_two_are_the_same() -> None:
    orders = _orders(Mix(3, ["PROP123"], http_share=0.1), 5000, rate=500)
    assert [order.asked.due_ms for order in orders[:3]] == [1000, 1002, 1004]
    assert orders[-1].asked.due_ms == 1000 + 4999 * 2
    assert len({order.asked.token for order in orders}) == len(orders)
    assert all(str(UUID(order.asked.token.removeprefix("poison-"))) for order in orders)


def test_a_workload_holds_every_kind_of_request_over_both_ways() -> None:
    orders = _orders(Mix(3, ["PROP123", "P2"], http_share=0.1), 5000, rate=500)
    ends = Counter(order.asked.end for order in orders)
    assert set(ends) == set(End)
    assert ends[End.COMPLETED] > 4500
    over_http = [order for order in orders if order.asked.via is Via.HTTP]
    assert 350 < len(over_http) < 650
    assert all(order.asked.end not in (End.POISON, End.INVALID) for order in over_http)
    assert any(order.again for order in orders)
