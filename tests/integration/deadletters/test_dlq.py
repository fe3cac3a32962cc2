"""Garbage on a real topic, looked at, fixed, replayed once however often, and removed, with the commands people use."""

import asyncio
import json
import os
import signal
import sys
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka.errors import KafkaError
from confluent_kafka import Consumer, TopicPartition
from typer.testing import CliRunner, Result

from deploy.cli import build
from producer.deadletters.errors import LettersUnavailable, ReplayTakenOver
from producer.deadletters.letter import DeadLetter, Position
from producer.deadletters.reading import letters, reading
from producer.deadletters.replaying import replaying
from schemas.topics import Topic, Topics
from tests.integration.deadletters.letters import put, put_letters
from tests.integration.processor.workers import publish, worker
from tests.kafka import create_topics
from tests.records import Record, committed_records
from tests.waiting import until

JOB = "0b6e5a3c-1111-4222-8333-444455556666"
FIX = '{"property_id": "P1", "county_id": "BENTON"}'
GARBAGE: list[tuple[bytes | None, bytes | None]] = [
    (None, b"not json"),
    (b"key", None),
    (b"\x00\xff", b"\xff\xfe\x00"),
    (None, b'{"property_id": 5, "county_id": "BENTON"}'),
    (None, orjson.dumps({"job_id": JOB, "property_id": "P1"})),
]
LETTERS = 6_000
Dlq = Callable[..., Any]


def _read(kafka: str, topic: str) -> list[Record]:
    return list(committed_records(kafka, topic))


def _results(kafka: str, topics: Topics) -> list[dict[str, Any]]:
    return [orjson.loads(record.value or b"") for record in _read(kafka, topics.results.name)]


@pytest.fixture
def command(kafka: str, own_topics: Topics, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka)
    monkeypatch.setenv("TOPIC_PREFIX", own_topics.requests.name.removesuffix("valuation.requests"))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(build(), ["dlq", *arguments])

    return run


@pytest.fixture
def dlq(command: Callable[..., Result]) -> Dlq:
    def run(*arguments: str, code: int = 0) -> Any:
        result = command(*arguments, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    return run


def test_garbage_is_listed_shown_fixed_and_replayed_exactly_once(
    kafka: str, own_topics: Topics, tmp_path: Path, dlq: Dlq
) -> None:
    asyncio.run(publish(kafka, own_topics, GARBAGE, partitions=2, headers=[("x-mark", b"1")]))
    with worker(kafka, own_topics, tmp_path):
        until(lambda: len(_read(kafka, own_topics.dead_letters.name)) == len(GARBAGE), 40)
        said = dlq("list")
        assert said["total"] == len(GARBAGE)
        assert sum(group["count"] for group in said["groups"]) == len(GARBAGE)
        assert {group["reason"] for group in said["groups"]} == {"invalid_request"}
        assert len(said["letters"]) == len(GARBAGE)

        shown = [dlq("show", each["position"]) for each in said["letters"]]
        found = {(_bytes(each["key_base64"]), _bytes(each["value_base64"])) for each in shown}
        assert found == set(GARBAGE)
        assert all({"name": "x-mark", "value": "1", "value_base64": "MQ=="} in each["headers"] for each in shown)
        assert {each["origin"]["topic"] for each in shown} == {own_topics.requests.name}

        planned = dlq("replay", "--all", "--fix", FIX, "--dry-run")
        assert (planned["replayed"], len(_read(kafka, own_topics.replays.name))) == (5, 0)
        done = dlq("replay", "--all", "--fix", FIX)
        assert (done["replayed"], done["already"], done["skipped"]) == (5, 0, 0)
        assert done["letters"] == planned["letters"]
        jobs = {each["job_id"] for each in done["letters"]}
        assert len(jobs) == 5
        assert JOB not in jobs
        again = dlq("replay", "--all", "--fix", FIX)
        assert (again["replayed"], again["already"]) == (0, 5)
        assert {each["job_id"] for each in again["letters"]} == jobs

        until(lambda: len(_results(kafka, own_topics)) >= 6, 30)
        results = _results(kafka, own_topics)
        assert sorted(each["job_id"] for each in results) == sorted([*jobs, JOB])
        assert {each["status"] for each in results if each["job_id"] in jobs} == {"COMPLETED"}
        assert len(_read(kafka, own_topics.requests.name)) == 10
        assert {each["replayed"]["job_id"] for each in dlq("list")["letters"]} == jobs


def test_without_a_fix_the_original_bytes_are_published_and_their_attempts_counted(
    kafka: str, own_topics: Topics, tmp_path: Path, dlq: Dlq
) -> None:
    asyncio.run(publish(kafka, own_topics, GARBAGE[2:3], partitions=1))
    with worker(kafka, own_topics, tmp_path):
        until(lambda: _read(kafka, own_topics.dead_letters.name), 40)
        (letter,) = dlq("list")["letters"]
        dlq("replay", letter["position"])
        until(lambda: len(_read(kafka, own_topics.dead_letters.name)) == 2, 20)
    values = [record.value for record in _read(kafka, own_topics.requests.name)]
    assert values == [GARBAGE[2][1]] * 2
    assert sorted(each["attempts"] for each in dlq("list")["letters"]) == [1, 2]


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)


async def _replay_all(kafka: str, topics: Topics) -> list[str]:
    options = {"bootstrap_servers": kafka}
    async with (
        replaying(options, topics) as replayer,
        reading(options, topics.dead_letters.name) as reader,
    ):
        done = await replayer.replay(letters(reader), {"county_id": "B"}, lambda: 1)
    return [each.outcome for each in done]


async def test_two_who_replay_at_once_publish_every_letter_once(kafka: str) -> None:
    topics = await create_topics(kafka)
    await put_letters(kafka, topics, 900)
    ended = await asyncio.gather(*(_replay_all(kafka, topics) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(each, (list, ReplayTakenOver, LettersUnavailable)) for each in ended), ended
    assert len(await _replay_all(kafka, topics)) == 900
    published = _read(kafka, topics.requests.name)
    assert len(published) == 900
    assert len({record.key for record in published}) == 900


async def test_who_is_killed_while_replaying_leaves_the_rest_to_the_next(kafka: str, tmp_path: Path) -> None:
    topics = await create_topics(kafka)
    await put_letters(kafka, topics, LETTERS)
    env = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "TOPIC_PREFIX": topics.requests.name.removesuffix("valuation.requests"),
        "DATA_DIR": str(tmp_path),
    }
    replay = (sys.executable, "-m", "deploy", "dlq", "replay", "--all", "--fix", '{"county_id": "B"}', "--json")
    killed = await asyncio.create_subprocess_exec(*replay, env=env, stdout=asyncio.subprocess.DEVNULL)
    await asyncio.to_thread(_first_written, kafka, topics.requests)
    killed.send_signal(signal.SIGKILL)
    await killed.wait()
    left = await _replay_all(kafka, topics)
    assert left.count("already") + left.count("replayed") == LETTERS
    assert 0 < left.count("already") < LETTERS
    assert len({record.key for record in _read(kafka, topics.requests.name)}) == LETTERS
    assert len(_read(kafka, topics.requests.name)) == LETTERS


def _first_written(kafka: str, topic: Topic) -> None:
    """Return as soon as something is on a topic, committed or not."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "watcher", "log_level": 0})
    try:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        until(lambda: any(consumer.get_watermark_offsets(at, timeout=5)[1] for at in partitions), 40)
    finally:
        consumer.close()


async def test_a_topic_of_many_letters_is_paged_from_its_newest(kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    topics = await create_topics(kafka)
    await put_letters(kafka, topics, 300)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka)
    monkeypatch.setenv("TOPIC_PREFIX", topics.requests.name.removesuffix("valuation.requests"))
    result = await asyncio.to_thread(CliRunner().invoke, build(), ["dlq", "list", "--json", "--limit", "7"])
    said = json.loads(result.stdout)
    assert (said["total"], len(said["letters"])) == (300, 7)
    (group,) = said["groups"]
    assert (group["count"], group["message"]) == (300, "county_id is missing")
    times = [each["timestamp"] for each in said["letters"]]
    assert times == sorted(times, reverse=True)


def test_purging_asks_first_and_removes_up_to_a_position(
    kafka: str, own_topics: Topics, dlq: Dlq, command: Callable[..., Result]
) -> None:
    asyncio.run(put_letters(kafka, own_topics, 30))
    dlq("replay", "0:2", "0:7", "--fix", '{"county_id": "B"}')
    refused = command("purge", "0:4")
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    assert dlq("list")["total"] == 30
    assert dlq("purge", "0:4", "--dry-run")["partitions"] == [{"partition": 0, "from": 0, "before": 5}]
    assert dlq("list")["total"] == 30
    dlq("purge", "0:4", "--yes")
    assert dlq("list")["total"] == 25
    assert command("show", "0:4").exit_code == 1
    again = dlq("replay", "0:7", "--fix", '{"county_id": "B"}')
    assert again["already"] == 1, "what is still there is still known to have been replayed"
    assert {record.key for record in _read(kafka, own_topics.replays.name) if record.value is None}
    dlq("purge", "--all", "--yes")
    assert dlq("list") == {"total": 0, "replayed": 0, "groups": [], "letters": []}
    assert dlq("purge", "--all", "--yes")["partitions"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show", "0:999"], 1),
        (["show", "99:0"], 1),
        (["show", "x"], 2),
        (["replay"], 2),
        (["replay", "--all", "0:1"], 2),
        (["replay", "0:0", "--fix", "{"], 2),
        (["replay", "--all", "--fix", '{"job_id": "x"}'], 2),
        (["replay", "0:999"], 1),
        (["purge", "--yes"], 2),
        (["purge", "--all", "0:1", "--yes"], 2),
        (["purge", "99:1", "--yes"], 1),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    command: Callable[..., Result], arguments: list[str], code: int
) -> None:
    result = command(*arguments)
    assert result.exit_code == code, result.output
    assert result.stderr
    assert "Traceback" not in result.output


def test_a_kafka_that_is_not_there_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    result = CliRunner().invoke(build(), ["dlq", "list"])
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr
    assert not isinstance(result.exception, KafkaError)


def test_a_letter_that_was_cut_is_not_replayed(kafka: str, own_topics: Topics, dlq: Dlq) -> None:
    asyncio.run(put(kafka, own_topics, [b"x"], headers=[("error.truncated_bytes", b"9")]))
    said = dlq("replay", "--all", code=3)
    assert (said["skipped"], _read(kafka, own_topics.requests.name)) == (1, [])


def test_a_strangers_letter_cannot_speak_to_the_terminal(
    kafka: str, own_topics: Topics, command: Callable[..., Result]
) -> None:
    evil = "\x1b]0;owned\x07[red]\r\u202e"
    headers = [("error.message", evil.encode()), ("error.reason", b"[bold]x"), (evil, evil.encode())]
    asyncio.run(put(kafka, own_topics, [evil.encode()], headers=headers))
    for arguments in (["list"], ["show", "0:0"], ["replay", "--all", "--dry-run"]):
        result = command(*arguments)
        assert result.exit_code == 0, result.output
        assert not {"\x1b", "\x07", "\r", "\u202e"} & set(result.stdout)
    assert command("show", "0:0", "--raw").stdout_bytes == evil.encode()


def test_letters_know_themselves() -> None:
    letter = DeadLetter("t", Position(1, 2), 3, None, None, ())
    assert (letter.mark, letter.reason, letter.message, letter.cut) == ("1:2:3", "unknown", "", False)
