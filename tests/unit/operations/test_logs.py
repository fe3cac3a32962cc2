"""Logs: one line an event, few lines whatever happens, and the way from a line to its trace."""

import json
import logging
from collections import Counter
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider

from processor.activity import Activity
from processor.batch import Outcomes, Traced
from schemas import logs
from schemas.reasons import FailureReason
from schemas.repeats import Repeats

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Clock:
    """Time that tests set."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def record(event: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("processor.lanes", level, "", 0, {"event": event}, None, None)


def passed(repeats: logging.Filter, count: int, event: str = "lane starts again", level: int = logging.WARNING) -> int:
    return sum(bool(repeats.filter(record(event, level))) for _ in range(count))


def test_an_error_with_its_traceback_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    try:
        int("a\nb")
    except ValueError:
        logs.get_logger("processor.test").exception("it failed", job_id="j")
    [line] = lines(capsys)
    assert (line["event"], line["job_id"], line["level"]) == ("it failed", "j", "error")
    assert "ValueError" in str(line["exception"])


def test_what_is_said_again_and_again_is_said_some_times_a_minute() -> None:
    clock = Clock()
    repeats = Repeats(most=20, seconds=60.0, now=clock)
    assert passed(repeats, 500) == 20
    assert passed(repeats, 3, "partition has moved") == 3
    clock.now += 61
    later = record("lane starts again")
    assert repeats.filter(later)
    assert later.msg == {"event": "lane starts again", "withheld": 480}
    assert passed(repeats, 100) == 19


def test_what_is_critical_is_always_said() -> None:
    assert passed(Repeats(most=1), 5, level=logging.CRITICAL) == 5


def test_libraries_that_put_numbers_into_their_messages_do_not_fill_the_memory() -> None:
    repeats = Repeats()
    for number in range(5_000):
        assert repeats.filter(record(f"connection {number} lost"))
    assert len(repeats._windows) <= 1_000


def test_an_hour_without_kafka_stays_small(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(Repeats.__init__, "__defaults__", (20, 60.0, clock))
    logs.configure("json")
    log = logs.get_logger("processor.lanes.lane")
    for _ in range(720):
        for partition in range(12):
            log.warning("lane starts again", partition=partition, why="KafkaConnectionError")
        clock.now += 5
    said = lines(capsys)
    assert 60 * 20 <= len(said) <= 62 * 20
    assert sum(int(str(line.get("withheld", 0))) for line in said) + len(said) > 8_000


def test_a_line_within_a_span_names_its_trace(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    logs.configure("json")
    with TracerProvider().get_tracer("test").start_as_current_span("span") as span:
        logs.get_logger("producer.span").warning("within")
    logs.get_logger("producer.none").warning("without")
    within, without = lines(capsys)
    assert within["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert "trace_id" not in without


def outcomes(completed: int, failed: int, traced: tuple[Traced, ...] = ()) -> Outcomes:
    return Outcomes(
        records=completed + failed,
        results=[],
        dead_letters=[],
        dead_positions=[],
        tally=Counter({("BENTON", None): completed, ("BENTON", FailureReason.PROPERTY_NOT_FOUND): failed}),
        durations=[],
        created_ms=[],
        duplicates=0,
        traced=traced,
    )


def test_a_worker_tells_of_its_work_in_one_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    clock = Clock()
    activity = Activity(clock)
    failed = Traced("job-7", f"00-{TRACE}-00f067aa0ba902b7-01".encode(), "property_not_found")
    for _ in range(100):
        activity.note([outcomes(90, 10, (Traced("job-1", failed.traceparent, None), failed))])
        clock.now += 0.2
        activity.tell()
    told = lines(capsys)
    assert len(told) == 2
    assert sum(int(str(line["completed"])) for line in told) == 9_000
    assert told[0]["failed"] == {"property_not_found": 500}
    assert (told[0]["failed_job_id"], told[0]["failed_trace_id"]) == ("job-7", TRACE)


def test_an_idle_worker_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    clock = Clock()
    activity = Activity(clock)
    clock.now += 100
    activity.tell()
    assert lines(capsys) == []
