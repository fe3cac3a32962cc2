"""Every contender of the comparison says what it promises, and this system is not tuned from figure to figure."""

from bench.contenders import CONTENDERS, THIS_SYSTEM


def test_each_contender_names_its_guarantee_and_what_it_does_about_duplicates() -> None:
    assert len({contender.name for contender in CONTENDERS}) == len(CONTENDERS)
    for contender in CONTENDERS:
        assert contender.guarantee.startswith(("exactly once", "at least once"))
        assert contender.duplicates


def test_this_system_runs_with_its_defaults_for_every_figure() -> None:
    assert THIS_SYSTEM.throughput == THIS_SYSTEM.latency == {"PROCESSOR_ENGINE": "constant"}
    assert THIS_SYSTEM.share == 1.0
