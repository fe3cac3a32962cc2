"""The figures of a run say what its history says."""

import io
from pathlib import Path

import orjson
from rich.console import Console

from tests.chaos import report
from tests.chaos.anomalies import Anomaly, Kind
from tests.chaos.clean_run import clean_run
from tests.chaos.figures import Broken, Spread, felt, figures, is_alone
from tests.chaos.history import Ended, Fault
from tests.chaos.picture import draw

WAITS = [(1000, 1010), (2000, 9000), (2500, 7000), (6000, 6010), (9500, 9510)]


def test_recovery_is_from_the_end_until_all_accepted_before_it_and_a_request_after_it_are_answered() -> None:
    alone = felt(Fault("a", "w", 9100, 9400, 9700), WAITS, WAITS)
    assert (alone.lasted, alone.recovery, alone.slowest) == (0.3, 0.3, 0.01)
    written_down_too_early = felt(Fault("a", "w", 1500, 3000, 3100), WAITS, WAITS)
    assert (written_down_too_early.recovery, written_down_too_early.slowest) == (6.0, 7.0)


def test_what_was_answered_before_a_fault_or_accepted_after_it_has_no_part_in_its_recovery() -> None:
    assert felt(Fault("a", "w", 1100, 1200, 1300), WAITS, WAITS).recovery == 0.1


def test_a_fault_that_was_not_recovered_from_is_counted_and_has_no_time() -> None:
    faults = [Fault("a", "w", 5, 9), Fault("a", "w", 15, 19, 29)]
    found = figures([([*clean_run(), *faults], [])]).faults
    assert (found["a"].count, found["a"].unrecovered, found["all"].count) == (2, 1, 2)
    assert found["a"].recovery.longest < 1


def test_a_fault_is_alone_while_nothing_else_is_broken() -> None:
    fault = Fault("worker-kill", "w", 100, 200, 300)
    assert is_alone(fault, [fault, Fault("a", "w", 0, 10, 90), Fault("a", "w", 310, 320, 330)])
    assert is_alone(fault, [fault, Fault("garbage", "data", 100, 200, 300)])
    for other in (Fault("a", "w", 0, 10, 110), Fault("a", "w", 290, 320), Fault("a", "w", 0, 900, 901)):
        assert not is_alone(fault, [fault, other])


def test_several_runs_are_counted_as_one() -> None:
    run = [*clean_run(), Fault("a", "w", 5, 9, 10)]
    one, two = figures([(run, [])]), figures([(run, []), (run, [Anomaly(Kind.LOST, "a")])])
    assert two.requests.asked == 2 * one.requests.asked
    assert (two.faults["a"].count, two.broken.lost, two.runs) == (2, 1, 2)


def test_a_spread_of_nothing_is_zero() -> None:
    assert Spread.of([]) == Spread(0, 0, 0)
    assert Spread.of(range(101)) == Spread(50, 99, 100)


def test_counts_requests_ends_and_broken_guarantees_by_group() -> None:
    ends = [Ended("worker-0", -9, 5), Ended("worker-0", 70, 8)]
    anomalies = [Anomaly(Kind.LOST, "a"), Anomaly(Kind.DOUBLED, "b"), Anomaly(Kind.DOUBLED, "c")]
    counted = figures([([*clean_run(), *ends], anomalies)])
    assert counted.broken == Broken(lost=1, doubled=2, wrong=0, unseen=0)
    assert (counted.requests.asked, counted.requests.acknowledged, counted.requests.refused) == (9, 8, 1)
    assert (counted.requests.published_again, counted.requests.dead_letters) == (1, 2)
    assert (counted.restarts, counted.own_exits) == (2, 1)


def test_the_report_names_what_was_broken(tmp_path: Path) -> None:
    anomalies = [Anomaly(Kind.DOUBLED, "job-7", "3/14, 3/15")]
    counted = figures([([*clean_run(), Fault("worker-kill", "worker-0", 1, 2, 3)], anomalies)])
    printed = io.StringIO()
    report.show(Console(file=printed, width=200), counted, anomalies)
    assert "worker-kill" in printed.getvalue()
    assert "job-7 3/14, 3/15" in printed.getvalue()
    report.write_page(tmp_path / "run.md", counted)
    page = (tmp_path / "run.md").read_text()
    assert "| **doubled** | **1** |" in page
    assert "| worker-kill | 1 | 0.0, 0.0 |" in page
    report.write(tmp_path / "run.json", counted, anomalies, {"seed": 1})
    written = orjson.loads((tmp_path / "run.json").read_bytes())
    assert written["figures"]["broken"]["doubled"] == 1
    assert written["anomalies"][0]["kind"] == Kind.DOUBLED


def test_the_picture_shows_a_run_with_and_without_faults(tmp_path: Path) -> None:
    faults = [Fault("worker-kill", "worker-0", 1, 2), Fault("network-black-hole", "network-0", 3, 4000)]
    draw(tmp_path / "faults.png", [[*clean_run(), *faults]])
    draw(tmp_path / "none.png", [clean_run()])
    draw(tmp_path / "empty.png", [[]])
    draw(tmp_path / "part.png", [[*clean_run(), *faults], clean_run()], window=(0, 1))
    sizes = [(tmp_path / f"{name}.png").stat().st_size for name in ("faults", "none", "empty", "part")]
    assert all(size > 5000 for size in sizes)
    assert sizes[0] > sizes[1]
