import pytest

from deploy.local.important import _STACK, ImportantLines, from_kafka, from_stack


@pytest.mark.parametrize(
    "line",
    [
        "2026-01-01T00:00:00Z [warning  ] lane stopped [processor.lanes] partition=3",
        "2026-01-01T00:00:00Z [error    ] boom [producer]",
        '{"event":"boom","level":"critical"}',
        '{"level": "warning", "event": "slow"}',
    ],
)
def test_warnings_and_errors_are_shown_with_the_name_of_the_process(line: str) -> None:
    shown: list[str] = []
    from_stack("worker-1", shown.append)(line)
    assert shown == [f"worker-1: {line}"]


def test_the_rest_is_not() -> None:
    shown: list[str] = []
    hear = from_stack("gateway", shown.append)
    hear("2026-01-01T00:00:00Z [info     ] an error was avoided")
    hear('{"event":"warning light","level":"info"}')
    hear("")
    hear("2026-01-01T00:00:00Z [error    ] Unable connect to node with id 1 [aiokafka]")
    hear('{"event":"Failed fetch","logger":"aiokafka.consumer.fetcher","level":"error"}')
    hear('{"level":"error","event":"Failed fetch","logger": "aiokafka.consumer.fetcher"}')
    assert shown == []


def test_of_kafka_only_errors_are_shown() -> None:
    shown: list[str] = []
    hear = from_kafka(shown.append)
    hear("2026-01-01T00:00:00.000Z [main] WARN org.apache.kafka.X - hm")
    hear("2026-01-01T00:00:00.000Z [main] ERROR org.apache.kafka.X - boom")
    assert shown == ["kafka: 2026-01-01T00:00:00.000Z [main] ERROR org.apache.kafka.X - boom"]


def test_a_flood_is_cut_and_counted() -> None:
    now = [0.0]
    shown: list[str] = []
    hear = ImportantLines("w", shown.append, _STACK, lambda: now[0])
    for n in range(100):
        hear(f"[error    ] {'x' * n}")
    assert len(shown) == 8
    now[0] = 31
    hear("[error    ] later")
    assert shown[8:] == ["w: 92 more such lines are in its log", "w: [error    ] later"]


def test_the_same_said_again_is_shown_once_in_a_while() -> None:
    now = [0.0]
    shown: list[str] = []
    hear = ImportantLines("w", shown.append, _STACK, lambda: now[0])
    for second in range(35):
        now[0] = second
        hear(f"2026-01-01T00:00:{second:02}.123Z [warning  ] waiting for 0xfe{second:02}")
    assert [line[:4] for line in shown] == ["w: 2", "w: 2", "w: 2"]
    assert shown[1] == "w: 29 more such lines are in its log"
