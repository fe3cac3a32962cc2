"""What an open loop says of latency: waiting in line before a stalled system counts, and so does a missing answer."""

from bench.openloop import Run
from bench.report import quantile


def test_latency_runs_from_when_a_request_was_due_not_from_when_it_was_sent() -> None:
    run = Run(due={b"a": 1.0, b"b": 1.5}, seen={b"b": 2.0, b"a": 2.0})
    assert run.ms() == [500.0, 1000.0]


def test_requests_without_a_result_are_counted_and_strangers_are_not() -> None:
    run = Run(due={b"a": 1.0, b"b": 1.0}, seen={b"a": 1.25, b"stranger": 9.0})
    assert run.unanswered == 1
    assert run.ms() == [250.0]


def test_quantiles_are_values_that_were_measured() -> None:
    assert [quantile([1.0, 2.0, 3.0, 4.0], q) for q in (0, 0.5, 0.99, 1)] == [1.0, 3.0, 4.0, 4.0]
